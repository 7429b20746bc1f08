import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { closeAll, eventually, startClient, startReplica } from '../calls.fixture.ts';
import { CallError } from '../index.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  await closeAll();
  for (const close of closers.splice(0)) await close();
});

/** A wire to a replica that can be cut, as when its machine dies, or go silent. */
async function wireTo(address: string): Promise<{ address: string; cut(): Promise<void>; silence(): void }> {
  const [host, port] = address.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: host ?? '', port: Number(port) });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const wire = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async cut() {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
      await once(server, 'close');
    },
    silence() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
  };
  closers.push(wire.cut);
  return wire;
}

async function outcomeOf(call: Promise<{ text: string }>): Promise<string> {
  return call.then(
    ({ text }) => text,
    (error: unknown) => (error instanceof CallError ? error.code : 'no CallError'),
  );
}

/** Two replicas, the first one behind a wire, and a client that has reached both. */
async function startPair() {
  const [first, second] = await Promise.all([startReplica('a'), startReplica('b')]);
  const wire = await wireTo(first.address);
  const client = await startClient(`${wire.address},${second.address}`);
  await eventually(async () => (await client.whoAnswers({ ms: 0 })).text === 'a');
  await eventually(async () => (await client.whoAnswers({ ms: 0 })).text === 'b');
  first.started.length = 0;
  return { first, second, wire, client };
}

test('an idempotent call on a lost connection is answered by another replica', async () => {
  const { first, wire, client } = await startPair();
  const calls = Array.from({ length: 20 }, () => outcomeOf(client.whoAnswers({ ms: 100, mark: 'x' })));
  await eventually(() => first.started.includes('x'));
  await wire.cut();

  expect(new Set(await Promise.all(calls))).toEqual(new Set(['b']));
});

test('a call that may have had an effect is not sent twice', async () => {
  const { first, second, wire, client } = await startPair();
  second.started.length = 0;
  const calls = Array.from({ length: 20 }, (_, index) => outcomeOf(client.countOnce({ ms: 100, mark: String(index) })));
  await eventually(() => first.started.length + second.started.length === 20);
  await wire.cut();
  const outcomes = await Promise.all(calls);

  expect(outcomes.filter((outcome) => outcome === 'unavailable')).toHaveLength(first.started.length);
  expect(new Set([...first.started, ...second.started]).size).toBe(20);
});

test('a lost replica aborts what its caller was waiting for', async () => {
  const { first, wire, client } = await startPair();
  const calls = Array.from({ length: 10 }, () => outcomeOf(client.whoAnswers({ ms: 500, mark: 'x' })));
  await eventually(() => first.started.includes('x'));
  await wire.cut();
  await eventually(() => first.aborted.includes('x'));

  await Promise.all(calls);
  expect(first.aborted).toHaveLength(first.started.length);
});

test('a replica that comes back gets calls again', async () => {
  const first = await startReplica('a');
  const client = await startClient(first.address);
  expect(await client.whoAnswers({ ms: 0 })).toEqual({ text: 'a' });
  await first.app.close();
  await startReplica('again', { port: Number(first.address.split(':')[1]) });

  expect(await client.whoAnswers({ ms: 0 })).toEqual({ text: 'again' });
});

test('a replica that has gone silent is left after a few seconds', async () => {
  const { wire, client } = await startPair();
  wire.silence();
  const calls = Array.from({ length: 10 }, () => outcomeOf(client.whoAnswers({ ms: 0 }, { deadlineMs: 10_000 })));

  expect(await Promise.race(calls)).toBe('b');
  await eventually(async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => outcomeOf(client.whoAnswers({ ms: 0 }, { deadlineMs: 300 }))));
    return outcomes.every((outcome) => outcome === 'b');
  });
});
