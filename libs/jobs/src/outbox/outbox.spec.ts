import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeJob, startServers } from '../jobs.fixture.ts';
import type { TestServers } from '../jobs.fixture.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { addMessage } from './outbox.ts';
import { OutboxRelay } from './outbox.relay.ts';

let servers: TestServers;
const senders: KafkaSender[] = [];

beforeAll(async () => {
  servers = await startServers();
});

afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close()));
});

afterAll(() => servers.close());

function makeRelay(brokers: readonly string[] = servers.brokers): OutboxRelay {
  const sender = new KafkaSender(brokers, 'test');
  senders.push(sender);
  return new OutboxRelay(servers.database, sender);
}

describe('addMessage', () => {
  test('refuses a payload that does not fit the schema', async () => {
    const job = makeJob();
    const adding = servers.database.write((tx) => addMessage(tx, job, { key: 'a', number: 1.5 }));
    await expect(adding).rejects.toMatchObject({ code: 'invalid-payload' });
  });
});

describe('a relay', () => {
  test('never sends what a rolled back transaction added', async () => {
    const job = await servers.withTopics(makeJob());
    const writing = servers.database.write(async (tx) => {
      await addMessage(tx, job, { key: 'a', number: 1 });
      throw new Error('no');
    });
    await expect(writing).rejects.toThrow('no');
    expect(await makeRelay().relayBatch()).toBe(0);
    expect(await servers.countRecords(job.topic)).toBe(0);
  });

  test('sends what was committed, with the request and trace it came from', async () => {
    const job = await servers.withTopics(makeJob());
    const context = createContext({ requestId: 'request-1', traceId: 'a'.repeat(32) });
    const messageId = await runInContext(context, () =>
      servers.database.write((tx) => addMessage(tx, job, { key: 'a', number: 1 })),
    );
    expect(await makeRelay().relayBatch()).toBe(1);
    expect(await servers.readRecords(job.topic)).toMatchObject([
      {
        key: 'a',
        value: '{"key":"a","number":1}',
        headers: {
          'message-id': messageId,
          'request-id': 'request-1',
          traceparent: expect.stringContaining('a'.repeat(32)),
          position: expect.stringMatching(/^jobs=[0-9A-F]+\/[0-9A-F]+$/),
        },
      },
    ]);
    expect(await servers.countOutbox()).toBe(0);
  });

  test('does not skip a transaction that commits late with a low id', async () => {
    const job = await servers.withTopics(makeJob());
    const relay = makeRelay();
    const added = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const late = servers.database.write(async (tx) => {
      await addMessage(tx, job, { key: 'late', number: 1 });
      added.resolve();
      await held.promise;
    });
    await added.promise;
    await servers.database.write((tx) => addMessage(tx, job, { key: 'early', number: 2 }));
    expect(await relay.relayBatch()).toBe(1);
    held.resolve();
    await late;
    expect(await relay.relayBatch()).toBe(1);
    const keys = (await servers.readRecords(job.topic)).map(({ key }) => key);
    expect(keys.toSorted()).toEqual(['early', 'late']);
  });

  test('keeps the order of each key', async () => {
    const job = await servers.withTopics(makeJob());
    const keys = ['a', 'b', 'c'];
    for (let number = 0; number < 20; number += 1) {
      await servers.database.write(async (tx) => {
        for (const key of keys) await addMessage(tx, job, { key, number });
      });
    }
    await makeRelay().relayBatch();
    const records = (await servers.readRecords(job.topic)).map(({ value }) => JSON.parse(value) as { key: string; number: number });
    for (const key of keys) {
      const numbers = records.filter((record) => record.key === key).map(({ number }) => number);
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, number) => number));
    }
  });

  test('beside another one neither loses nor doubles a message', async () => {
    const job = await servers.withTopics(makeJob());
    const relays = [makeRelay(), makeRelay()];
    for (const relay of relays) relay.start();
    for (let number = 0; number < 100; number += 1) {
      await servers.database.write((tx) => addMessage(tx, job, { key: String(number % 7), number }));
    }
    await expect.poll(() => servers.countOutbox(), { timeout: 10_000 }).toBe(0);
    await Promise.all(relays.map((relay) => relay.stop()));
    const ids = (await servers.readRecords(job.topic)).map(({ headers }) => headers['message-id']);
    expect(ids.length).toBe(100);
    expect(new Set(ids).size).toBe(100);
  });

  test('keeps the messages while Kafka is away, and one that reaches Kafka drains them', async () => {
    const job = await servers.withTopics(makeJob());
    const away = makeRelay(['127.0.0.1:1']);
    away.start();
    await servers.database.write((tx) => addMessage(tx, job, { key: 'a', number: 1 }));
    await senders[0]?.close();
    await away.stop();
    expect(await servers.countOutbox()).toBe(1);
    expect(await makeRelay().relayBatch()).toBe(1);
    expect(await servers.countRecords(job.topic)).toBe(1);
  });
});
