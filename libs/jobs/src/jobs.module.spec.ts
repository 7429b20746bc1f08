import { randomUUID } from 'node:crypto';
import { Global, Injectable, Module } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { PayloadOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { Health, HealthModule } from '@tenfold/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsumersModule } from './consumers.module.ts';
import type { Delivery } from './delivery.ts';
import { Handles } from './handles.decorator.ts';
import { makeJob, startServers } from './jobs.fixture.ts';
import type { TestServers } from './jobs.fixture.ts';
import { MessageHandler } from './message.handler.ts';
import { KafkaSender } from './kafka.client.ts';
import { addMessage } from './outbox.ts';
import { OutboxModule } from './outbox.module.ts';

const job = makeJob();

@Injectable()
class NumberJob {
  static readonly seen = Promise.withResolvers<number>();

  @Handles(job)
  async add({ number }: PayloadOf<typeof job>, { tx }: Delivery): Promise<void> {
    await tx.query('SELECT 1');
    NumberJob.seen.resolve(number);
  }
}

@Injectable()
class SecondNumberJob {
  @Handles(job, { inbox: false })
  async add(): Promise<void> {}
}

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers();
  await servers.withTopics(job);
});

afterAll(() => servers.close());

async function compile(brokers: readonly string[], ...providers: Type[]) {
  @Global()
  @Module({ providers: [{ provide: Database, useValue: servers.database }], exports: [Database] })
  class OneDatabase {}

  return Test.createTestingModule({
    imports: [
      HealthModule.register(),
      OneDatabase,
      OutboxModule.register({ brokers }),
      ConsumersModule.register({ group: `test.${randomUUID()}`, brokers, instance: 'test' }),
    ],
    providers,
  }).compile();
}

describe('a service', () => {
  test('relays what it adds and handles it, without further wiring', async () => {
    const module = await compile(servers.brokers, NumberJob);
    await module.init();
    await servers.database.write((tx) => addMessage(tx, job, { key: 'a', number: 7 }));
    expect(await NumberJob.seen.promise).toBe(7);
    await module.close();
  });

  test('boots and stops while Kafka is away', async () => {
    const module = await compile(['127.0.0.1:1'], NumberJob);
    await module.init();
    expect(module.get(Health).dependencies).toMatchObject([
      { name: 'outbox', required: false },
      { name: 'consumers', required: false },
    ]);
    await module.close();
  });

  test('does not boot with two handlers of one message', async () => {
    const module = await compile(servers.brokers, NumberJob, SecondNumberJob);
    await expect(module.init()).rejects.toMatchObject({ code: 'doubled-handler' });
    await module.close();
  });
});

test('an outage of the database with the inbox uses up no attempt', async () => {
  const nowhere = 'postgres://postgres@127.0.0.1:1/none';
  const database = new Database({ name: 'away', entities: [], primaryUrl: nowhere, replicaUrls: [] });
  const handler = new MessageHandler({
    message: job,
    inbox: true,
    run: async () => {},
    database,
    sender: new KafkaSender(servers.brokers, 'test'),
    shutdown: new AbortController().signal,
  });
  const headers = { 'message-id': randomUUID() };
  expect(await handler.handle({ key: 'a', value: '{"key":"a","number":1}', headers })).toBe('again');
  await database.close();
});
