import { randomUUID } from 'node:crypto';
import { deadLetterTopicOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { createContext, currentContext, runInContext } from '@tenfold/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Delivery } from './delivery.ts';
import { makeJob, numbered, startServers } from './jobs.fixture.ts';
import type { TestServers } from './jobs.fixture.ts';
import { KafkaSender } from './kafka.client.ts';
import { addMessage } from './outbox.ts';
import { OutboxRelay } from './outbox.relay.ts';
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
    handlers: [{ message, inbox, run: (payload, delivery) => run(numbered.parse(payload), delivery) }],
    database: servers.database,
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
  sender.send([{ topic: message.topic, messages: [{ key: 'a', value, headers: { 'message-id': messageId } }] }]);

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
      patienceMs: 0,
    });
  expect(make).toThrow(expect.objectContaining({ code: 'doubled-handler' }));
});
