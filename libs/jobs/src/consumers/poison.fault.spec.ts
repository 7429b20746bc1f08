import { randomUUID } from 'node:crypto';
import { deadLetterTopicOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { DeadLetters } from '../dead-letters/dead-letters.ts';
import { makeJob, numbered, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import type { Delivery } from './delivery.ts';
import { ServiceConsumers } from './service.consumers.ts';

/** Promise 17: poison is isolated and can be replayed. One poison message, and poison bytes, in every partition. */
let servers: TestServers;
let sender: KafkaSender;

const full = inject('faults') === 'full';
const partitions = 4;
const count = full ? 20_000 : 1500;

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
  await servers.database.write((tx) => tx.query('CREATE TABLE effect (topic text, key text, number int)'));
});

afterAll(async () => {
  await sender.close();
  await servers.close();
});

/** Sends numbered messages of many keys at an even pace and tells how long each took until it was handled. */
async function latencies(job: Message, handledAt: Map<number, number>, from: number): Promise<number[]> {
  const sentAt = new Map<number, number>();
  const batch = 25;
  for (let number = from; number < from + count; number += batch) {
    const records = Array.from({ length: batch }, (_, index) => {
      const key = `key-${(number + index) % 200}`;
      sentAt.set(number + index, performance.now());
      return { topic: job.topic, key, value: JSON.stringify({ key, number: number + index }), headers: { 'message-id': randomUUID() } };
    });
    await sender.send(records);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  await expect.poll(() => [...sentAt.keys()].every((number) => handledAt.has(number)), { timeout: 60_000 }).toBe(true);
  return [...sentAt].map(([number, at]) => (handledAt.get(number) ?? Infinity) - at).sort((one, other) => one - other);
}

const percentile = (sorted: readonly number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN;

test('17: poison in every partition costs the other keys nothing, and is replayed with one effect', async () => {
  const job = await servers.withTopics(makeJob({ partitions, retryDelaysMs: [300, 600] }));
  const handledAt = new Map<number, number>();
  let healed = false;
  const consumers = new ServiceConsumers({
    group: `test.${randomUUID()}`,
    brokers: servers.brokers,
    instance: 'test',
    handlers: [
      {
        message: job,
        inbox: true,
        run: async (payload: unknown, { tx }: Delivery) => {
          const { key, number } = numbered.parse(payload);
          await tx.query('INSERT INTO effect VALUES ($1, $2, $3)', [job.topic, key, number]);
          if (key.startsWith('poison') && !healed) throw new Error('poison');
          handledAt.set(number, performance.now());
        },
      },
    ],
    database: servers.database,
    concurrency: 8,
    patienceMs: 5000,
  });
  consumers.start();
  const letters = new DeadLetters({ brokers: servers.brokers, topics: [job.topic] });
  try {
    await latencies(job, handledAt, 100_000);
    const without = await latencies(job, handledAt, 200_000);

    // Enough keys to meet every partition.
    const poison = Array.from({ length: 16 }, (_, index) => ({ key: `poison-${index}`, id: randomUUID(), number: index }));
    await sender.send(poison.map(({ key, id, number }) => ({ topic: job.topic, key, value: JSON.stringify({ key, number }), headers: { 'message-id': id } })));
    await sender.send(poison.map(({ key }) => ({ topic: job.topic, key: `${key}-bytes`, value: '\u0000{"key', headers: { 'message-id': randomUUID() } })));
    const beside = await latencies(job, handledAt, 300_000);

    await expect.poll(() => servers.countRecords(deadLetterTopicOf(job)), { timeout: 30_000 }).toBe(2 * poison.length);
    const dead = await letters.list();
    const thrown = dead.filter(({ attempts }) => attempts === 3);
    expect(thrown.map(({ cause }) => cause)).toEqual(poison.map(() => 'Error: poison'));
    expect(dead.filter(({ attempts }) => attempts === 1).map(({ cause }) => cause)).toEqual(poison.map(() => 'UnreadableMessage: the payload does not fit the schema'));

    healed = true;
    await letters.replay(thrown.map(({ id }) => id));
    await expect.poll(() => poison.every(({ number }) => handledAt.has(number)), { timeout: 30_000 }).toBe(true);
    const effects = await servers.database.write((tx) =>
      tx.query<{ effects: number; distinct: number }[]>('SELECT count(*)::int AS effects, count(DISTINCT number)::int AS distinct FROM effect WHERE topic = $1', [job.topic]),
    );
    const expected = 3 * count + poison.length;
    expect(effects).toEqual([{ effects: expected, distinct: expected }]);
    const ratio = percentile(beside, 0.99) / percentile(without, 0.99);
    process.stdout.write(`p99 beside poison ${percentile(beside, 0.99).toFixed(1)} ms, without ${percentile(without, 0.99).toFixed(1)} ms\n`);
    // The short form is too short for a percentile to mean much.
    expect(ratio).toBeLessThanOrEqual(full ? 1.5 : Infinity);
  } finally {
    await letters.close();
    await consumers.stop();
  }
});
