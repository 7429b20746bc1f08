import { randomUUID } from 'node:crypto';
import { deadLetterTopicOf, defineJob } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { createContext, currentContext, runInContext } from '@tenfold/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { BatchDelivery, BatchFailure, Delivery } from './delivery.ts';
import { makeJob, numbered, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { addMessage } from '../outbox/outbox.ts';
import { OutboxRelay } from '../outbox/outbox.relay.ts';
import { ServiceConsumers } from './service.consumers.ts';

let servers: TestServers;
let sender: KafkaSender;
let relay: OutboxRelay;
const started: ServiceConsumers[] = [];

beforeAll(async () => {
  servers = await startServers();
  sender = new KafkaSender(servers.brokers, 'test');
  relay = new OutboxRelay(servers.database, sender);
  await servers.database.write((tx) => tx.query('CREATE TABLE effect (topic text, key text, number int, id serial)'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((consumers) => consumers.stop()));
});

afterAll(async () => {
  await sender.close();
  await servers.close();
});

type Run = (payload: { key: string; number: number }, delivery: Delivery) => Promise<void>;

function handle(message: Message, run: Run, options: { inbox?: boolean; patienceMs?: number; group?: string } = {}): ServiceConsumers {
  const { inbox = true, patienceMs = 5000, group = `test.${randomUUID()}` } = options;
  const consumers = new ServiceConsumers({
    group,
    brokers: servers.brokers,
    instance: 'test',
    handlers: [{ message, inbox, run: (payload: unknown, delivery: Delivery) => run(numbered.parse(payload), delivery) }],
    database: servers.database,
    concurrency: 8,
    patienceMs,
  });
  started.push(consumers);
  consumers.start();
  return consumers;
}

const recordEffect =
  (message: Message): Run =>
  async ({ key, number }, { tx }) => {
    await tx.query('INSERT INTO effect (topic, key, number) VALUES ($1, $2, $3)', [message.topic, key, number]);
  };

const effectsOf = async ({ topic }: Message) =>
  servers.database.write((tx) =>
    tx.query<{ key: string; number: number }[]>('SELECT key, number FROM effect WHERE topic = $1 ORDER BY id', [topic]),
  );

async function send(message: Message, ...payloads: { key: string; number: number }[]): Promise<void> {
  await servers.database.write(async (tx) => {
    for (const payload of payloads) await addMessage(tx, message, payload);
  });
  while ((await relay.relayBatch()) !== 0);
}

/** Puts a message into Kafka past the outbox. */
const produce = (message: Message, value: string, messageId: string = randomUUID()) =>
  sender.send([{ topic: message.topic, key: 'a', value, headers: { 'message-id': messageId } }]);

const deadLettersOf = async (message: Message) => servers.readRecords(deadLetterTopicOf(message));
const countDeadLetters = (message: Message) => () => servers.countRecords(deadLetterTopicOf(message));
const soon = { timeout: 15_000 };

describe('a handler', () => {
  test('gets a committed message once, and its effect commits', async () => {
    const job = await servers.withTopics(makeJob());
    handle(job, recordEffect(job));
    await send(job, { key: 'a', number: 1 });
    await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'a', number: 1 }]);
  });

  test('has one effect of a message that was delivered twice', async () => {
    const job = await servers.withTopics(makeJob());
    handle(job, recordEffect(job));
    const messageId = randomUUID();
    await produce(job, '{"key":"a","number":1}', messageId);
    await produce(job, '{"key":"a","number":1}', messageId);
    await produce(job, '{"key":"a","number":2}');
    await expect.poll(async () => (await effectsOf(job)).map(({ number }) => number), soon).toEqual([1, 2]);
  });

  test('gets the messages of a key in order', async () => {
    const job = await servers.withTopics(makeJob());
    handle(job, recordEffect(job));
    const keys = ['a', 'b', 'c'];
    const sent = Array.from({ length: 30 }, (_, index) => ({ key: keys[index % 3] ?? '', number: index }));
    await send(job, ...sent);
    await expect.poll(async () => (await effectsOf(job)).length, soon).toBe(30);
    const effects = await effectsOf(job);
    for (const key of keys) {
      expect(effects.filter((effect) => effect.key === key)).toEqual(sent.filter((payload) => payload.key === key));
    }
  });

  test('runs in the context of the request that caused it, and reads what that wrote', async () => {
    const job = await servers.withTopics(makeJob());
    const seen = Promise.withResolvers<{ requestId: string | undefined; position: string | undefined }>();
    handle(job, async () => {
      const context = currentContext();
      seen.resolve({ requestId: context?.requestId, position: context?.positions.get('jobs') });
    });
    await runInContext(createContext({ requestId: 'request-7' }), () => send(job, { key: 'a', number: 1 }));
    expect(await seen.promise).toEqual({ requestId: 'request-7', position: expect.stringContaining('/') });
  });

  test('needs no inbox when it says so', async () => {
    const job = await servers.withTopics(makeJob());
    const seen = Promise.withResolvers<Delivery>();
    handle(job, async (_, delivery) => seen.resolve(delivery), { inbox: false });
    await send(job, { key: 'a', number: 1 });
    expect(await seen.promise).not.toHaveProperty('tx');
  });
});

test('a slow key holds up no other key of its partition', async () => {
  const job = await servers.withTopics(makeJob({ partitions: 1 }));
  const slow = Promise.withResolvers<void>();
  handle(job, async (payload, delivery) => {
    if (payload.number === 1) await slow.promise;
    await recordEffect(job)(payload, delivery);
  });
  await send(job, { key: 'slow', number: 1 }, { key: 'slow', number: 2 }, { key: 'other', number: 3 });
  await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'other', number: 3 }]);
  slow.resolve();
  await expect.poll(async () => (await effectsOf(job)).map(({ number }) => number), soon).toEqual([3, 1, 2]);
});

test('more messages than a partition may hold in memory are all handled, once', async () => {
  const job = await servers.withTopics(makeJob({ partitions: 1 }));
  handle(job, recordEffect(job));
  const sent = Array.from({ length: 1200 }, (_, number) => ({ key: String(number % 50), number }));
  await send(job, ...sent);
  await expect.poll(async () => (await effectsOf(job)).length, { timeout: 30_000 }).toBe(1200);
  const numbers = (await effectsOf(job)).map(({ number }) => number);
  expect(numbers.toSorted((one, other) => one - other)).toEqual(sent.map(({ number }) => number));
});

describe('an ordered message', () => {
  test('that fails has its key wait for the next attempt, and no other', async () => {
    const job = await servers.withTopics(makeJob({ partitions: 1, ordered: true, retryDelaysMs: [300, 300] }));
    handle(job, async (payload, delivery) => {
      if (payload.number === 1 && delivery.attempt < 3) throw new Error('not yet');
      await recordEffect(job)(payload, delivery);
    });
    await send(job, { key: 'a', number: 1 }, { key: 'a', number: 2 }, { key: 'b', number: 3 });
    await expect.poll(async () => (await effectsOf(job)).map(({ number }) => number), soon).toEqual([3, 1, 2]);
  });

  test('becomes a dead letter after its last attempt, and its key goes on', async () => {
    const job = await servers.withTopics(makeJob({ partitions: 1, ordered: true, retryDelaysMs: [50] }));
    handle(job, async (payload, delivery) => {
      if (payload.number === 1) throw new Error('never');
      await recordEffect(job)(payload, delivery);
    });
    await send(job, { key: 'a', number: 1 }, { key: 'a', number: 2 });
    await expect.poll(async () => (await effectsOf(job)).map(({ number }) => number), soon).toEqual([2]);
    expect((await deadLettersOf(job))[0]?.headers).toMatchObject({ attempt: '2', cause: 'Error: never' });
  });
});

describe('a handler of batches', () => {
  interface Batch {
    payloads: readonly { key: string; number: number }[];
    delivery: BatchDelivery;
  }

  function handleBatches(message: Message, run: (batch: Batch) => Promise<void | readonly BatchFailure[]>): void {
    const consumers = new ServiceConsumers({
      group: `test.${randomUUID()}`,
      brokers: servers.brokers,
      instance: 'test',
      handlers: [
        {
          message,
          inbox: true,
          batch: { size: 100, lingerMs: 200 },
          run: (payloads: Batch['payloads'], delivery: BatchDelivery) => run({ payloads, delivery }),
        },
      ],
      database: servers.database,
      concurrency: 8,
      patienceMs: 5000,
    });
    started.push(consumers);
    consumers.start();
  }

  const numbersOf = async (message: Message) => (await effectsOf(message)).map(({ number }) => number);

  async function recordAll(message: Message, { payloads, delivery: { tx } }: Batch): Promise<void> {
    for (const { key, number } of payloads) await tx.query('INSERT INTO effect (topic, key, number) VALUES ($1, $2, $3)', [message.topic, key, number]);
  }

  test('gets many messages of several partitions in one transaction, each once', async () => {
    const job = await servers.withTopics(makeJob({ partitions: 2 }));
    const transactions = new Set<string>();
    handleBatches(job, async (batch) => {
      const [{ id }] = await batch.delivery.tx.query<[{ id: string }]>('SELECT pg_current_xact_id()::text AS id');
      transactions.add(id);
      await recordAll(job, batch);
    });
    const messageId = randomUUID();
    await produce(job, '{"key":"a","number":0}', messageId);
    await produce(job, '{"key":"a","number":0}', messageId);
    await send(job, ...Array.from({ length: 60 }, (_, index) => ({ key: String(index % 9), number: index + 1 })));
    await expect.poll(async () => (await numbersOf(job)).length, soon).toBe(61);
    expect((await numbersOf(job)).toSorted((one, other) => one - other)).toEqual(Array.from({ length: 61 }, (_, index) => index));
    expect(transactions.size).toBeLessThan(10);
  });

  test('loses no message beside one that it reports as failed, which alone is tried again', async () => {
    const job = await servers.withTopics(makeJob({ retryDelaysMs: [50] }));
    handleBatches(job, async (batch) => {
      const index = batch.payloads.findIndex(({ number }, place) => number === 2 && batch.delivery.messages[place]?.attempt === 1);
      await recordAll(job, { ...batch, payloads: batch.payloads.filter((_, place) => place !== index) });
      return index < 0 ? [] : [{ index, error: new Error('not yet') }];
    });
    await send(job, ...[1, 2, 3].map((number) => ({ key: 'a', number })));
    await expect.poll(async () => (await numbersOf(job)).toSorted(), soon).toEqual([1, 2, 3]);
  });

  test('that throws is called for each message alone, and a bad one ends among the dead letters', async () => {
    const job = await servers.withTopics(makeJob());
    handleBatches(job, async (batch) => {
      await recordAll(job, batch);
      if (batch.payloads.some(({ number }) => number === 2)) throw new Error('poison');
    });
    await send(job, ...[1, 2, 3].map((number) => ({ key: 'a', number })));
    await expect.poll(() => numbersOf(job), soon).toEqual([1, 3]);
    await expect.poll(countDeadLetters(job), soon).toBe(1);
  });
});

describe('a payload of an older version', () => {
  const versions = (topic: string) => ({
    topic,
    payload: z.strictObject({ key: z.string(), number: z.int() }),
    key: ({ key }: { key: string }) => key,
    partitions: 1,
    retryDelaysMs: [60_000],
  });
  const upgrades = [
    (older: unknown) => ({ ...(older as { key: string }), amount: 1 }),
    (older: unknown) => ({ key: (older as { key: string }).key, number: (older as { amount: number }).amount + 1 }),
  ];

  test('is upgraded step by step', async () => {
    const job = await servers.withTopics(defineJob({ ...versions(`test.${randomUUID()}`), upgrades }));
    handle(job, recordEffect(job));
    await produce(job, '{"key":"a"}');
    await send(job, { key: 'a', number: 7 });
    await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'a', number: 2 }, { key: 'a', number: 7 }]);
  });

  test('is a dead letter at once when it is newer than this process knows', async () => {
    const topic = `test.${randomUUID()}`;
    const known = await servers.withTopics(defineJob(versions(topic)));
    handle(known, recordEffect(known));
    await send(defineJob({ ...versions(topic), upgrades }), { key: 'a', number: 7 });
    await expect.poll(countDeadLetters(known), soon).toBe(1);
    expect((await deadLettersOf(known))[0]?.headers['cause']).toContain('version 3');
  });
});

describe('a handler that fails', () => {
  test('is tried again as often as the message says, then the message is a dead letter with its cause', async () => {
    const job = await servers.withTopics(makeJob({ retryDelaysMs: [50, 50] }));
    const attempts: number[] = [];
    handle(job, async (_, { attempt }) => {
      attempts.push(attempt);
      throw new Error(`attempt ${attempt} failed`);
    });
    await send(job, { key: 'a', number: 1 });
    await expect.poll(countDeadLetters(job), soon).toBe(1);
    expect(attempts).toEqual([1, 2, 3]);
    const [letter] = await deadLettersOf(job);
    expect(letter).toMatchObject({
      key: 'a',
      value: '{"key":"a","number":1}',
      headers: {
        'original-topic': job.topic,
        attempt: '3',
        cause: 'Error: attempt 3 failed',
        stack: expect.stringContaining('service.consumers.spec'),
      },
    });
  });

  test('leaves no effect of the attempt, and one of the attempt that succeeds', async () => {
    const job = await servers.withTopics(makeJob({ retryDelaysMs: [50] }));
    handle(job, async (payload, delivery) => {
      await recordEffect(job)(payload, delivery);
      if (delivery.attempt === 1) throw new Error('not yet');
    });
    await send(job, { key: 'a', number: 1 });
    await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'a', number: 1 }]);
  });

  test('holds up no other message', async () => {
    const job = await servers.withTopics(makeJob({ retryDelaysMs: [60_000] }));
    handle(job, async (payload, delivery) => {
      if (payload.number === 1) throw new Error('poison');
      await recordEffect(job)(payload, delivery);
    });
    await send(job, { key: 'a', number: 1 }, { key: 'a', number: 2 });
    await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'a', number: 2 }]);
  });

  test('counts as failed when it takes longer than the message allows', async () => {
    const job = await servers.withTopics(makeJob({ timeoutMs: 100 }));
    const aborted = Promise.withResolvers<void>();
    handle(job, async (_, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      await new Promise(() => {});
    });
    await send(job, { key: 'a', number: 1 });
    await expect.poll(countDeadLetters(job), soon).toBe(1);
    await aborted.promise;
    expect((await deadLettersOf(job))[0]?.headers['cause']).toContain('took longer than 100 ms');
  });
});

describe('a message that cannot be read', () => {
  test.each([
    ['is no JSON', '{'],
    ['does not fit the schema', '{"key":"a","number":"1"}'],
  ])('because it %s is a dead letter at once', async (_, value) => {
    const job = await servers.withTopics(makeJob({ retryDelaysMs: [60_000] }));
    handle(job, recordEffect(job));
    await produce(job, value);
    await expect.poll(countDeadLetters(job), soon).toBe(1);
    expect((await deadLettersOf(job))[0]).toMatchObject({ value, headers: { attempt: '1' } });
  });
});

describe('a stop', () => {
  test('lets the handler under way finish', async () => {
    const job = await servers.withTopics(makeJob());
    const running = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const consumers = handle(job, async (payload, delivery) => {
      running.resolve();
      await finish.promise;
      await recordEffect(job)(payload, delivery);
    });
    await send(job, { key: 'a', number: 1 });
    await running.promise;
    const stopped = consumers.stop();
    finish.resolve();
    await stopped;
    expect(await effectsOf(job)).toEqual([{ key: 'a', number: 1 }]);
  });

  test('aborts a handler after its patience, and the message is delivered again', async () => {
    const job = await servers.withTopics(makeJob());
    const group = `test.${randomUUID()}`;
    const running = Promise.withResolvers<void>();
    const hanging: Run = async () => {
      running.resolve();
      await new Promise(() => {});
    };
    const stopped = handle(job, hanging, { patienceMs: 50, group });
    await send(job, { key: 'a', number: 1 });
    await running.promise;
    await stopped.stop();
    expect(await servers.countRecords(deadLetterTopicOf(job))).toBe(0);
    handle(job, recordEffect(job), { group });
    await expect.poll(() => effectsOf(job), soon).toEqual([{ key: 'a', number: 1 }]);
  });
});

test('two handlers of one message are refused', () => {
  const job = makeJob();
  const method = { message: job, inbox: false, run: async () => {} };
  const make = () =>
    new ServiceConsumers({
      group: 'test',
      brokers: servers.brokers,
      instance: 'test',
      handlers: [method, method],
      database: undefined,
      concurrency: 1,
      patienceMs: 0,
    });
  expect(make).toThrow(expect.objectContaining({ code: 'doubled-handler' }));
});
