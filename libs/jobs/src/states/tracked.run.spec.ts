import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Delivery, TrackedDelivery } from '../consumers/delivery.ts';
import { MessageHandler } from '../consumers/message.handler.ts';
import { makeJob, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { addMessage } from '../outbox/outbox.ts';
import { JobStates } from './job.states.ts';

let servers: TestServers;
let sender: KafkaSender;
let states: JobStates;

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
  states = new JobStates(servers.database);
});

afterAll(async () => {
  await sender.close();
  await servers.close();
});

/** A job that was added, and what delivers it to `run` as often as it is called. */
async function track(run: (delivery: TrackedDelivery) => Promise<unknown>, retryDelaysMs: readonly number[] = []) {
  const job = await servers.withTopics(makeJob({ retryDelaysMs }));
  const payload = { key: 'a', number: 1 };
  const id = await servers.database.write((tx) => addMessage(tx, job, payload, { tracked: true }));
  const handler = new MessageHandler({
    message: job,
    inbox: false,
    tracked: true,
    run: (_payload: unknown, delivery: Delivery) => run(delivery as unknown as TrackedDelivery),
    database: servers.database,
    sender,
  });
  const received = { key: 'a', value: JSON.stringify(payload), headers: { 'message-id': id } };
  return { id, deliver: (attempt?: number, owned = new AbortController().signal) => handler.handle(received, owned, attempt) };
}

/** On the primary, since nobody's position tells of it here. */
async function stateOf(id: string) {
  const [row] = await servers.database.write((tx) => tx.query<Record<string, unknown>[]>('SELECT * FROM job_states WHERE job_id = $1', [id]));
  return row;
}

test('a tracked job can be asked where it is, from its adding to its result', async () => {
  const seen: unknown[] = [];
  const { id, deliver } = await track(async ({ save }) => {
    seen.push(await stateOf(id));
    await save({ done: 1, total: 4 });
    seen.push(await stateOf(id));
    return { file: 'here' };
  });
  expect(await stateOf(id)).toMatchObject({ state: 'waiting', attempt: 0, total: null });
  expect(await deliver()).toEqual({ finished: true });
  expect(seen).toMatchObject([
    { state: 'running', attempt: 1, done: '0' },
    { state: 'running', done: '1', total: '4' },
  ]);
  await expect.poll(() => states.find(id)).toMatchObject({ id, state: 'done', done: 4, total: 4, result: { file: 'here' } });
});

test('one that is done does not run again', async () => {
  let runs = 0;
  const { deliver } = await track(async () => (runs += 1));
  await deliver();
  await deliver();
  expect(runs).toBe(1);
});

test('a run goes on from the last checkpoint of one that failed', async () => {
  const begun: unknown[] = [];
  const { id, deliver } = await track(async ({ checkpoint, save }) => {
    begun.push(checkpoint);
    if (checkpoint !== null) return;
    await save({ done: 2, total: 4, checkpoint: { after: 'row 2' } });
    await save({ done: 3, total: 4 });
    throw new Error('not today');
  }, [1000]);
  await deliver();
  expect(await stateOf(id)).toMatchObject({ state: 'waiting', error: 'Error: not today', done: '3' });
  await deliver(2);
  expect(begun).toEqual([null, { after: 'row 2' }]);
  expect(await stateOf(id)).toMatchObject({ state: 'done', attempt: 2, error: null });
});

test('its last failure is its state', async () => {
  const { id, deliver } = await track(() => Promise.reject(new Error('never')));
  await deliver();
  expect(await stateOf(id)).toMatchObject({ state: 'failed', error: 'Error: never' });
});

test('a process that is overtaken by another can neither save nor finish', async () => {
  const paused = Promise.withResolvers<void>();
  const results: string[] = [];
  const { id, deliver } = await track(async ({ save, attempt }) => {
    if (attempt === 1) {
      await paused.promise;
      await save({ done: 99, total: 100 }).catch((error: { code: string }) => results.push(error.code));
      return 'late';
    }
    await save({ done: 1, total: 1 });
    return 'in time';
  });
  const sleeper = deliver(1);
  await expect.poll(() => stateOf(id)).toMatchObject({ state: 'running' });
  await deliver(2);
  paused.resolve();
  expect(await sleeper).toEqual({ finished: true });
  expect(results).toEqual(['superseded']);
  expect(await stateOf(id)).toMatchObject({ state: 'done', result: 'in time', done: '1' });
});

test('a job that is cancelled stops, and does not begin again', async () => {
  let runs = 0;
  const stopped = Promise.withResolvers<unknown>();
  const { id, deliver } = await track(async ({ signal }) => {
    runs += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    stopped.resolve(signal.reason);
  });
  const running = deliver();
  await expect.poll(() => runs).toBe(1);
  expect(await servers.database.write((tx) => states.cancel(tx, id))).toBe(true);
  expect(await stopped.promise).toMatchObject({ code: 'superseded' });
  expect(await running).toEqual({ finished: true });
  await deliver();
  expect(runs).toBe(1);
  expect(await stateOf(id)).toMatchObject({ state: 'cancelled' });
  expect(await servers.database.write((tx) => states.cancel(tx, id))).toBe(false);
});

test('one that is handed back is still running, and goes on elsewhere', async () => {
  const owned = new AbortController();
  const { id, deliver } = await track(async ({ checkpoint, save, signal }) => {
    if (checkpoint !== null) return 'ended';
    await save({ done: 1, total: 2, checkpoint: 'half' });
    owned.abort();
    signal.throwIfAborted();
  });
  expect(await deliver(1, owned.signal)).toMatchObject({ finished: false });
  expect(await stateOf(id)).toMatchObject({ state: 'running', checkpoint: 'half' });
  await deliver();
  expect(await stateOf(id)).toMatchObject({ state: 'done', result: 'ended' });
});

test('a job of another service is known from its first attempt on', async () => {
  const job = await servers.withTopics(makeJob());
  const id = randomUUID();
  const handler = new MessageHandler({ message: job, inbox: false, tracked: true, run: async () => 1, database: servers.database, sender });
  await handler.handle({ key: 'a', value: '{"key":"a","number":1}', headers: { 'message-id': id } }, new AbortController().signal);
  expect(await stateOf(id)).toMatchObject({ state: 'done', topic: job.topic });
});
