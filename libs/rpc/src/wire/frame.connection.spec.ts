import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { encodeFrame, FrameReader, FrameType } from './frame.codec.ts';
import { FrameConnection } from './frame.connection.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A connection, how often it has written, and the ids that have reached its peer. */
async function connectPair() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [[peer]] = (await Promise.all([once(listener, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
  closers.push(() => socket.destroy(), () => peer.destroy(), () => listener.close());
  const write = vi.spyOn(socket, 'write');
  const received: number[] = [];
  const reader = new FrameReader(1_048_576, (_type, id) => received.push(id));
  peer.on('data', (chunk: Buffer) => reader.push(chunk));
  const connection = new FrameConnection(socket, { onFrame: () => {}, onClose: () => {} }, 1_048_576);
  return { connection, received, writes: () => write.mock.calls.length };
}

/** Sends so many frames of some 1 KiB, with ids from 1. */
function sendFrames({ connection }: { connection: FrameConnection }, frames: number): number[] {
  const ids = Array.from({ length: frames }, (_, index) => index + 1);
  for (const id of ids) connection.send(encodeFrame(FrameType.Answer, id, 'x'.repeat(1015)));
  return ids;
}

test('few frames of one turn leave in one write, after it', async () => {
  const pair = await connectPair();
  const ids = sendFrames(pair, 10);
  expect(pair.writes()).toBe(0);
  await turn();
  expect(pair.writes()).toBe(1);
  await vi.waitFor(() => expect(pair.received).toEqual(ids));
});

test('of many frames of one turn each 16 KiB leave within it, so that the peer can begin', async () => {
  const pair = await connectPair();
  const ids = sendFrames(pair, 40);
  expect(pair.writes()).toBe(2);
  expect(pair.connection.written).toBe(32);
  await turn();
  expect(pair.writes()).toBe(3);
  await vi.waitFor(() => expect(pair.received).toEqual(ids));
});
