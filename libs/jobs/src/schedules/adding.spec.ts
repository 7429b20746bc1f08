import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { Message } from '@tenfold/contracts';
import type { Delivery } from '../consumers/delivery.ts';
import { ServiceConsumers } from '../consumers/service.consumers.ts';
import { makeJob, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { OutboxRelay } from '../outbox/outbox.relay.ts';
import { addMessage, addMessages } from '../outbox/outbox.ts';
import { Schedules } from './schedules.ts';

let servers: TestServers;
let sender: KafkaSender;
let relay: OutboxRelay;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
  relay = new OutboxRelay(servers.database, sender);
  relay.start();
});

afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

afterAll(async () => {
  await relay.stop();
  await sender.close();
  await servers.close();
});

const add = (job: ReturnType<typeof makeJob>, number: number, options?: Parameters<typeof addMessage>[3]) =>
  servers.database.write((tx) => addMessage(tx, job, { key: 'a', number }, options));

function startHandler(message: Message, run: (delivery: Delivery) => Promise<void>): void {
  const consumers = new ServiceConsumers({
    group: `test.${randomUUID()}`,
    brokers: servers.brokers,
    instance: 'test',
    handlers: [{ message, inbox: true, run: (_: unknown, delivery: Delivery) => run(delivery) }],
    database: servers.database,
    concurrency: 4,
    patienceMs: 1000,
  });
  ends.push(() => consumers.stop());
  consumers.start();
}

test('many messages are added by one statement, in their order', async () => {
  const job = await servers.withTopics(makeJob({ partitions: 1 }));
  const payloads = Array.from({ length: 50 }, (_, number) => ({ key: 'a', number }));
  const ids = await servers.database.write((tx) => addMessages(tx, job, payloads));
  await expect.poll(() => servers.countRecords(job.topic)).toBe(50);
  const records = await servers.readRecords(job.topic);
  expect(records.map(({ headers, value }) => [headers['message-id'], JSON.parse(value ?? '')])).toEqual(payloads.map((payload, index) => [ids[index], payload]));
});

test('a delayed message is sent when its time has come, after what was added later', async () => {
  const job = await servers.withTopics(makeJob({ partitions: 1 }));
  await add(job, 1, { delayMs: 2000 });
  await add(job, 2);
  await expect.poll(() => servers.countRecords(job.topic)).toBe(1);
  await expect.poll(() => servers.countRecords(job.topic)).toBe(2);
  expect((await servers.readRecords(job.topic)).map(({ value }) => JSON.parse(value ?? '').number)).toEqual([2, 1]);
});

describe('a unique message', () => {
  test('is added once while it is pending, and again when it has been handled', async () => {
    const job = await servers.withTopics(makeJob());
    const first = await add(job, 1, { unique: 'nightly' });
    const together = await Promise.all([2, 3].map((number) => add(job, number, { unique: 'nightly' })));
    expect(together).toEqual([first, first]);
    expect(await add(job, 4, { unique: 'other' })).not.toBe(first);
    startHandler(job, async () => {});
    await expect.poll(async () => (await add(job, 5, { unique: 'nightly' })) !== first).toBe(true);
  });

  test('is no longer pending when it has become a dead letter', async () => {
    const job = await servers.withTopics(makeJob());
    const first = await add(job, 1, { unique: 'nightly' });
    startHandler(job, async () => {
      throw new Error('never');
    });
    await expect.poll(async () => (await add(job, 2, { unique: 'nightly' })) !== first).toBe(true);
  });
});

describe('a schedule', () => {
  test('adds its job once each time, however many replicas look at it', async () => {
    const job = await servers.withTopics(makeJob());
    const replicas = [1, 2, 3].map(() => new Schedules(servers.database, [{ name: 'tick', cron: '* * * * * *', job, payload: { key: 'a', number: 1 } }]));
    for (const schedules of replicas) schedules.start();
    await sleep(4500);
    await Promise.all(replicas.map((schedules) => schedules.stop()));
    const rows = await servers.database.write((tx) =>
      tx.query<{ second: Date }[]>(`SELECT date_trunc('second', created_at) AS second FROM outbox WHERE topic = $1`, [job.topic]),
    );
    const seconds = rows.map(({ second }) => second.getTime());
    expect(seconds.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seconds).size).toBe(seconds.length);
  });

  test('that is none is refused', () => {
    const make = () => new Schedules(servers.database, [{ name: 'x', cron: 'every now and then', job: makeJob(), payload: { key: 'a', number: 1 } }]);
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-schedule' }));
  });
});
