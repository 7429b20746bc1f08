import { randomUUID } from 'node:crypto';
import { Global, Injectable, Module } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { Message, PayloadOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { Health, HealthModule } from '@tenfold/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConsumersModule } from './consumers/consumers.module.ts';
import type { Delivery } from './consumers/delivery.ts';
import { Handles } from './consumers/handles.decorator.ts';
import { makeJob, startServers } from './jobs.fixture.ts';
import type { TestServers } from './jobs.fixture.ts';
import { MessageHandler } from './consumers/message.handler.ts';
import { KafkaSender } from './kafka/kafkajs.sender.ts';
import { addMessage } from './outbox/outbox.ts';
import { OutboxModule } from './outbox/outbox.module.ts';

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
  return compileFor({ brokers, providers });
}

async function compileFor({ brokers, providers, messages }: { brokers: readonly string[]; providers: Type[]; messages?: Message[] }) {
  @Global()
  @Module({ providers: [{ provide: Database, useValue: servers.database }], exports: [Database] })
  class OneDatabase {}

  return Test.createTestingModule({
    imports: [
      HealthModule.register(),
      OneDatabase,
      OutboxModule.register({ brokers }),
      ConsumersModule.register({ group: `test.${randomUUID()}`, brokers, instance: 'test', ...(messages && { messages }) }),
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

test('a service does not boot without a handler of what it says it handles', async () => {
  const module = await compileFor({ brokers: servers.brokers, providers: [NumberJob], messages: [job, makeJob()] });
  await expect(module.init()).rejects.toMatchObject({ code: 'missing-handler' });
  await module.close();
});

test('a service does not boot with a handler of what it does not say it handles', async () => {
  const module = await compileFor({ brokers: servers.brokers, providers: [NumberJob], messages: [] });
  await expect(module.init()).rejects.toMatchObject({ code: 'undeclared-handler' });
  await module.close();
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
  });
  const headers = { 'message-id': randomUUID() };
  const outcome = await handler.handle({ key: 'a', value: '{"key":"a","number":1}', headers }, new AbortController().signal);
  expect(outcome).toMatchObject({ finished: false });
  await database.close();
});
