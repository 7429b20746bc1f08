import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, expect, inject, test } from 'vitest';
import { closeAll, secret, startClient } from '../calls.fixture.ts';
import { bundleService, endProcesses, startProcess } from '../calls.process.fixture.ts';
import type { ReplicaProcess } from '../calls.process.fixture.ts';
import { processCalls } from '../calls.service.contract.ts';
import { tableOf } from '../wire/call.table.ts';
import { encodeFrame, FrameReader, FrameType } from '../wire/frame.codec.ts';
import type { FrameBytes } from '../wire/frame.codec.ts';
import { encodeTableFrame } from '../wire/frame.writer.ts';
import { ClientHandshake } from '../wire/handshake.protocol.ts';

beforeAll(bundleService);
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await closeAll();
  await endProcesses();
});

const full = inject('faults') === 'full';

const bytesOf = ({ bytes, start, end }: FrameBytes) => Buffer.from(bytes.subarray(start, end));
const residentMb = ({ process: { pid } }: ReplicaProcess) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

function dial({ address }: ReplicaProcess): Socket {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  sockets.add(socket);
  socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  return socket;
}

/** A peer that knows the secret, and reads whatever comes. */
async function dialTrusted(replica: ReplicaProcess): Promise<Socket> {
  const socket = dial(replica);
  const handshake = new ClientHandshake({ service: 'process', secret });
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error('closed during the handshake')));
    const reader = new FrameReader(1_048_576, (type, _id, bytes, start, end) => {
      if (type === FrameType.Hello) socket.write(bytesOf(handshake.prove(bytes.subarray(start, end))));
      else resolve();
    });
    socket.on('data', (chunk: Buffer) => {
      if (!socket.destroyed) reader.push(chunk);
    });
  });
  socket.removeAllListeners('data').on('error', () => {}).resume();
  return socket;
}

/** Frames as they should be, to be changed. */
function goodFrames(): Buffer[] {
  const { whoAnswers } = processCalls.calls;
  const { id: table, request } = tableOf(whoAnswers);
  const head = { remainingMs: 1000, requestId: 'r', traceId: 't', positions: [{ database: 'orders', lsn: '0/1' }] };
  return [
    bytesOf(encodeTableFrame({ type: FrameType.Request, id: 1, table, maxBytes: 10_000 }, request, { ...head, payload: { ms: 0 } })),
    bytesOf(encodeFrame(FrameType.Request, 2, ['whoAnswers', 1000, 'r', 't', { orders: '0/1' }, { ms: 0 }])),
    bytesOf(encodeFrame(FrameType.Cancel, 2, null)),
    bytesOf(encodeFrame(FrameType.Credit, 2, 5)),
    bytesOf(encodeFrame(FrameType.Ping, 0, null)),
  ];
}

test('frames that were changed at random kill nothing, keep no memory, and later ones are decoded right', async () => {
  const replica = await startProcess('a');
  const client = await startClient(replica.address, { contract: processCalls });
  for (let call = 0; call < 2000; call += 1) await client.whoAnswers({ ms: 0 });
  await client.longestTurn({});
  const held = (await client.heldMemory({})).megabytes;
  const resident = residentMb(replica);
  const good = goodFrames();
  let seed = 7;
  const random = (below: number) => ((seed = (seed * 48_271) % 0x7fff_ffff), seed % below);
  const rounds = full ? 1_000_000 : 40_000;
  const answers: string[] = [];
  let socket = await dialTrusted(replica);
  for (let round = 0; round < rounds; round += 1) {
    const frame = Buffer.from(good[random(good.length)] as Buffer);
    // Mostly the body; a changed head ends the connection.
    for (let change = random(4); change >= 0; change -= 1) frame[random(200) === 0 ? random(9) : 9 + random(frame.length - 9)] = random(256);
    frame.writeUInt32BE(round >>> 0, 5);
    if (socket.destroyed) socket = await dialTrusted(replica);
    if (!socket.write(frame)) await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
    if (round % 1000 === 0) answers.push((await client.whoAnswers({ ms: 0 })).replica);
  }
  socket.destroy();
  const { cpuMs } = await client.longestTurn({});
  for (let call = 0; call < 2000; call += 1) answers.push((await client.whoAnswers({ ms: 0 })).replica);

  expect(replica.process.exitCode).toBeNull();
  expect(new Set(answers)).toEqual(new Set(['a']));
  const heldMore = (await client.heldMemory({})).megabytes - held;
  const residentMore = residentMb(replica) - resident;
  process.stdout.write(`${rounds} frames: longest turn ${cpuMs.toFixed(1)} ms, ${heldMore.toFixed(1)} MB more held, ${residentMore.toFixed(1)} MB more resident\n`);
  expect(heldMore).toBeLessThan(32);
  // V8's young generation alone grows by up to 48 MB under load, whatever the frames are.
  expect(residentMore).toBeLessThan(32 + 48);
  // 5 ms of it are the beat at which it looks.
  expect(cpuMs).toBeLessThan(50);
});

test('thousands of connections that say nothing are closed, and the callers among them are answered', async () => {
  const replica = await startProcess('a');
  const client = await startClient(replica.address, { contract: processCalls });
  await client.whoAnswers({ ms: 0 });
  const closed: Promise<unknown>[] = [];
  // In waves that the listen queue (511) holds: beyond it the kernel drops the connection and does not tell a caller that says nothing.
  for (let wave = full ? 40 : 4; wave > 0; wave -= 1) {
    const silent = Array.from({ length: 250 }, () => dial(replica).resume());
    closed.push(...silent.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect(await client.whoAnswers({ ms: 0 })).toEqual({ replica: 'a' });
  }
  for (let call = 0; call < 500; call += 1) expect(await client.whoAnswers({ ms: 0 })).toEqual({ replica: 'a' });

  await Promise.all(closed);
  expect(await client.whoAnswers({ ms: 0 })).toEqual({ replica: 'a' });
});

test('a caller that sends a byte at a time holds up nobody', async () => {
  const replica = await startProcess('a');
  const client = await startClient(replica.address, { contract: processCalls });
  const slow = await dialTrusted(replica);
  const frame = goodFrames()[0] as Buffer;
  for (let at = 0; at < 20; at += 1) {
    slow.write(frame.subarray(at, at + 1));
    expect(await client.whoAnswers({ ms: 1 })).toEqual({ replica: 'a' });
  }
});
