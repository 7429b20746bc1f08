import { createContext, runInContext } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
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
    expect(await servers.countUnsent()).toBe(0);
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

  test('keeps the order in which transactions committed that waited for each other, whichever began first', async () => {
    const job = await servers.withTopics(makeJob());
    const query = (sql: string) => servers.database.write((tx) => tx.query(sql));
    await query('CREATE TABLE IF NOT EXISTS account (id int PRIMARY KEY, number int)');
    await query('INSERT INTO account VALUES (1, 0), (2, 0)');
    const relay = makeRelay();
    const began = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const first = servers.database.write(async (tx) => {
      // The lower transaction id, and the later commit.
      await tx.query('UPDATE account SET number = number + 1 WHERE id = 2');
      began.resolve();
      await locked.promise;
      await tx.query('UPDATE account SET number = number + 1 WHERE id = 1');
      await addMessage(tx, job, { key: 'a', number: 2 });
    });
    await began.promise;
    await servers.database.write(async (tx) => {
      await tx.query('UPDATE account SET number = number + 1 WHERE id = 1');
      locked.resolve();
      await addMessage(tx, job, { key: 'a', number: 1 });
    });
    await first;
    await relay.relayBatch();
    expect((await servers.readRecords(job.topic)).map(({ value }) => JSON.parse(value ?? ''))).toEqual([
      { key: 'a', number: 1 },
      { key: 'a', number: 2 },
    ]);
  });

  test('sends more than a page of one transaction, in order', async () => {
    const job = await servers.withTopics(makeJob({ partitions: 1 }));
    await servers.database.write((tx) =>
      tx.query(
        `INSERT INTO outbox (message_id, topic, key, payload, headers)
         SELECT gen_random_uuid(), $1, 'a', json_build_object('key', 'a', 'number', number), '{}' FROM generate_series(1, 1300) AS number`,
        [job.topic],
      ),
    );
    expect(await makeRelay().relayBatch()).toBe(1300);
    const numbers = (await servers.readRecords(job.topic)).map(({ value }) => (JSON.parse(value ?? '') as { number: number }).number);
    expect(numbers).toEqual(Array.from({ length: 1300 }, (_, index) => index + 1));
    expect(await servers.countUnsent()).toBe(0);
  });

  test('sends a backlog tick by tick, each once', async () => {
    const job = await servers.withTopics(makeJob({ partitions: 1 }));
    const relay = makeRelay();
    for (let number = 0; number < 5; number += 1) {
      await servers.database.write((tx) => addMessage(tx, job, { key: 'a', number }));
      await servers.database.write((tx) => tx.query('SELECT outbox_tick()'));
    }
    while ((await relay.relayBatch()) !== 0);
    const numbers = (await servers.readRecords(job.topic)).map(({ value }) => (JSON.parse(value ?? '') as { number: number }).number);
    expect(numbers).toEqual([0, 1, 2, 3, 4]);
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
    const records = (await servers.readRecords(job.topic)).map(({ value }) => JSON.parse(value ?? '') as { key: string; number: number });
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
    await expect.poll(() => servers.countUnsent(), { timeout: 10_000 }).toBe(0);
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
    expect(await servers.countUnsent()).toBe(1);
    expect(await makeRelay().relayBatch()).toBe(1);
    expect(await servers.countRecords(job.topic)).toBe(1);
  });
});

describe('the rotation of the outbox', () => {
  const rotate = () => servers.database.write((tx) => tx.query('SELECT outbox_rotate()'));
  const fill = (topic: string, tx?: EntityManager) => {
    const sql = `INSERT INTO outbox (turn, message_id, topic, key, payload, headers)
      SELECT turn, gen_random_uuid(), $1, 'a', '{}', '{}' FROM generate_series(0, 2) AS turn`;
    return tx ? tx.query(sql, [topic]) : servers.database.write((own) => own.query(sql, [topic]));
  };
  const filledTurns = async () => {
    const rows = await servers.database.write((tx) => tx.query<{ turn: number }[]>('SELECT DISTINCT turn FROM outbox'));
    return rows.length;
  };

  test('empties what has been sent, in all partitions but the one being filled', async () => {
    const { topic } = await servers.withTopics(makeJob());
    await fill(topic);
    await rotate();
    expect(await filledTurns()).toBe(3);
    await makeRelay().relayBatch();
    await rotate();
    expect(await filledTurns()).toBe(1);
  });

  test('waits for a transaction that has added and not committed', async () => {
    const { topic } = await servers.withTopics(makeJob());
    const relay = makeRelay();
    const added = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const late = servers.database.write(async (tx) => {
      await fill(topic, tx);
      added.resolve();
      await held.promise;
    });
    await added.promise;
    await fill(topic);
    await relay.relayBatch();
    await rotate();
    held.resolve();
    await late;
    expect(await servers.countUnsent()).toBe(3);
    await relay.relayBatch();
    expect(await servers.countRecords(topic)).toBe(6);
  });
});
