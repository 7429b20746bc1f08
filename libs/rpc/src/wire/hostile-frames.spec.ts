import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { pack, Packr } from 'msgpackr';
import { afterEach, expect, test } from 'vitest';
import { closeAll, secret, startClient, startReplica } from '../calls.fixture.ts';
import type { Replica } from '../calls.fixture.ts';
import { encodeBinaryFrame, encodeFrame, FrameReader, FrameType } from './frame.codec.ts';
import type { FrameBytes } from './frame.codec.ts';
import { ClientHandshake } from './handshake.protocol.ts';
import { decodePlain } from './plain.messagepack.ts';

const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await closeAll();
});

interface RawPeer {
  socket: Socket;
  closed: Promise<unknown>;
  /** The next frame that comes in. */
  next(): Promise<{ type: number; id: number; body: Buffer }>;
}

function dial(replica: Replica): RawPeer {
  const [host, port] = replica.address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port) });
  sockets.push(socket);
  const frames: { type: number; id: number; body: Buffer }[] = [];
  const reader = new FrameReader(1_048_576, (type, id, bytes, start, end) => {
    frames.push({ type, id, body: Buffer.from(bytes.subarray(start, end)) });
  });
  socket.on('data', (chunk: Buffer) => {
    reader.push(chunk);
    socket.emit('frames');
  });
  socket.on('error', () => {});
  return {
    socket,
    closed: new Promise((resolve) => socket.once('close', resolve)),
    async next() {
      while (frames.length === 0) await once(socket, 'frames');
      return frames.shift() as { type: number; id: number; body: Buffer };
    },
  };
}

/** The bytes of a frame, by themselves. */
function bytesOf({ bytes, start, end }: FrameBytes): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}

/** A peer that knows the secret and may misbehave from there. */
async function dialTrusted(replica: Replica): Promise<RawPeer> {
  const peer = dial(replica);
  const handshake = new ClientHandshake({ service: 'fixture', secret });
  peer.socket.write(bytesOf(handshake.prove((await peer.next()).body)));
  handshake.checkWelcome((await peer.next()).body);
  return peer;
}

const request = (payload: unknown, name = 'echo') => [name, 1000, 'r', 't', null, payload];

/** What a well-behaved client gets from the server after all that happened. */
async function echoOf(replica: Replica, text: string): Promise<string> {
  const client = await startClient(replica.address);
  return (await client.echo({ text })).text;
}

test('a request before the handshake is not read and ends the connection', async () => {
  const replica = await startReplica('a');
  const peer = dial(replica);
  peer.socket.write(bytesOf(encodeFrame(FrameType.Request, 1, request({ ms: 0 }, 'whoAnswers'))));
  await peer.closed;

  expect(replica.started).toEqual([]);
  expect(await echoOf(replica, 'still here')).toBe('still here');
});

test('garbage ends its connection and nothing else', async () => {
  const replica = await startReplica('a');
  const peer = dial(replica);
  peer.socket.write(Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
  await peer.closed;

  expect(await echoOf(replica, 'still here')).toBe('still here');
});

test('a proof that was made for another connection is refused', async () => {
  const replica = await startReplica('a');
  const [first, second] = [dial(replica), dial(replica)];
  const proof = bytesOf(new ClientHandshake({ service: 'fixture', secret }).prove((await first.next()).body));
  await second.next();
  second.socket.write(proof);

  expect((await second.next()).type).toBe(FrameType.Refused);
  await second.closed;
});

test('a frame of 4 GiB is refused by its announcement alone', async () => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(0xffff_ffff, 0);
  peer.socket.write(head);
  await peer.closed;

  expect(await echoOf(replica, 'still here')).toBe('still here');
});

test('before the handshake the limit is a few hundred bytes', async () => {
  const replica = await startReplica('a');
  const peer = dial(replica);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(1000, 0);
  peer.socket.write(head);
  await peer.closed;

  expect(await echoOf(replica, 'still here')).toBe('still here');
});

test.each([
  ['no MessagePack', Buffer.of(0xc1, 0xc1)],
  ['nothing', Buffer.alloc(0)],
  ['a list that is too short', pack(['echo', 1000])],
  ['a head of wrong types', pack([7, 'soon', {}, [], 3, null])],
  ['positions that are none', pack(['echo', 1000, 'r', 't', { orders: 'now' }, { text: '' }])],
  ['a list that announces more than there is', Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff, 0x01)],
  ['a hundred thousand lists in each other', Buffer.alloc(100_000, 0x91)],
  ['a regular expression', new Packr({ moreTypes: true }).pack(request({ text: /a+/ }))],
  ['a record of msgpackr', new Packr({ useRecords: true }).pack(request({ text: 'decoded' }))],
])('a request that is %s is refused and the connection goes on', async (_, body) => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  peer.socket.write(bytesOf(encodeBinaryFrame(FrameType.Request, 7, body)));
  peer.socket.write(bytesOf(encodeFrame(FrameType.Request, 8, request({ text: 'fine' }))));
  const [refusal, answer] = [await peer.next(), await peer.next()];

  expect(refusal).toMatchObject({ type: FrameType.Refusal, id: 7 });
  expect(decodePlain(refusal.body, 0, refusal.body.length)).toMatchObject({ 1: 'bad-request' });
  expect(decodePlain(answer.body, 0, answer.body.length)).toEqual([null, { text: 'fine' }]);
});

test('a name from the prototype of objects is no call', async () => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  peer.socket.write(bytesOf(encodeFrame(FrameType.Request, 1, request({}, 'constructor'))));
  const { body } = await peer.next();

  expect(decodePlain(body, 0, body.length)).toMatchObject({ 1: 'incompatible' });
});

test('a frame in single bytes is read like any other', async () => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  peer.socket.setNoDelay(true);
  for (const byte of bytesOf(encodeFrame(FrameType.Request, 1, request({ text: 'slowly' })))) {
    peer.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { body } = await peer.next();

  expect(decodePlain(body, 0, body.length)).toEqual([null, { text: 'slowly' }]);
});

test('a call id that is used twice at once ends the connection and aborts its calls', async () => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  const frame = bytesOf(encodeFrame(FrameType.Request, 1, request({ ms: 60_000, mark: 'twice' }, 'whoAnswers')));
  peer.socket.write(Buffer.concat([frame, frame]));
  await peer.closed;

  expect(await echoOf(replica, 'still here')).toBe('still here');
  expect(replica.aborted).toEqual(['twice']);
});

test('a caller that fetches no answers is not read any further', async () => {
  const replica = await startReplica('a');
  const peer = await dialTrusted(replica);
  peer.socket.pause();
  const frame = bytesOf(encodeFrame(FrameType.Request, 0, request({ text: 'x'.repeat(500_000) })));
  for (let id = 1; id <= 40; id += 1) {
    const copy = Buffer.from(frame);
    copy.writeUInt32BE(id, 5);
    peer.socket.write(copy);
  }
  expect(await echoOf(replica, 'still here')).toBe('still here');
  expect(peer.socket.writableLength).toBeGreaterThan(0);

  peer.socket.resume();
  const ids = new Set<number>();
  while (ids.size < 40) ids.add((await peer.next()).id);
  expect(ids.size).toBe(40);
});
