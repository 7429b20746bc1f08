import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineJob } from '@tenfold/contracts';
import type { Job, PayloadOf } from '@tenfold/contracts';
import { afterCommit, beforeCommit, Database, DatabaseModule } from '@tenfold/database';
import { addMessages, ConsumersModule, ensureTopics, Handles, OutboxModule } from '@tenfold/jobs';
import type { BatchDelivery, Delivery } from '@tenfold/jobs';
import { KafkaSender } from '@tenfold/jobs/kafka';
import { HealthModule } from '@tenfold/service';
import { Kafka } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { concurrency, effectSql, effectsSql, note } from './job.queue.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';

interface OutboxSurroundings extends QueueSurroundings {
  brokers: readonly string[];
}

/** As services do it: added in a transaction, relayed, handled with a mark in the inbox, by one process. */
export async function outboxQueue(surroundings: OutboxSurroundings, handling: 'one by one' | 'in batches'): Promise<JobQueue> {
  const { job, database } = await startHandling(surroundings, handling);
  return { add: (numbers) => database.write(async (tx) => void (await addMessages(tx, job, numbers.map((number) => ({ number, note }))))) };
}

/** The same handling of what is sent to Kafka at once, by whom no transaction is asked. */
export async function plainSends(surroundings: OutboxSurroundings): Promise<JobQueue> {
  const { job } = await startHandling(surroundings, 'in batches');
  const sender = new KafkaSender(surroundings.brokers, 'bench');
  surroundings.onEnd(() => sender.close());
  return {
    add: (numbers) =>
      sender.send(
        numbers.map((number) => {
          const payload = { number, note };
          return { topic: job.topic, key: job.key(payload), value: JSON.stringify(payload), headers: { 'message-id': randomUUID() } };
        }),
      ),
  };
}

function benchJob(name: string) {
  return defineJob({
    topic: `bench.${name}`,
    payload: z.strictObject({ number: z.int(), note: z.string() }),
    key: ({ number }) => String(number % 500),
  });
}

type BenchJob = ReturnType<typeof benchJob>;
type BenchPayload = PayloadOf<BenchJob>;

async function startHandling({ name, brokers, databaseUrl, onHandled, onBegun, onEnd }: OutboxSurroundings, handling: 'one by one' | 'in batches') {
  const job = benchJob(name);
  await ensureTopics(brokers, [job]);
  await flushEachBatch(brokers, job);
  const module = handling === 'one by one' ? oneByOne(job, name, onHandled, onBegun) : inBatches(job, name, onHandled);

  @Module({
    imports: [
      HealthModule.register(),
      DatabaseModule.register({ name, entities: [], primaryUrl: databaseUrl, replicaUrls: [], poolSize: concurrency + 4 }),
      OutboxModule.register({ brokers }),
      ConsumersModule.register({ group: name, brokers, instance: name, concurrency, messages: [job] }),
    ],
    providers: [module],
  })
  class WorkerModule {}

  const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error'] });
  onEnd(() => app.close());
  return { job, database: app.get(Database) };
}

function oneByOne(job: BenchJob, name: string, onHandled: QueueSurroundings['onHandled'], onBegun: QueueSurroundings['onBegun']) {
  @Injectable()
  class Handler {
    @Handles(job)
    async handle({ number }: BenchPayload, { tx }: Delivery): Promise<void> {
      onBegun?.(number);
      beforeCommit(tx, effectSql(name).replace('$1', String(number)));
      afterCommit(tx, () => onHandled([number]));
    }
  }
  return Handler;
}

function inBatches(job: BenchJob, name: string, onHandled: QueueSurroundings['onHandled']) {
  @Injectable()
  class Handler {
    @Handles(job, { batch: { size: 500 } })
    async handle(payloads: readonly BenchPayload[], { tx }: BatchDelivery): Promise<void> {
      const numbers = payloads.map(({ number }) => number);
      await tx.query(effectsSql(name), [numbers]);
      afterCommit(tx, () => onHandled(numbers));
    }
  }
  return Handler;
}

/** A broker alone acknowledges what is in its page cache; here it is on the disk, as a commit of the database is. */
async function flushEachBatch(brokers: readonly string[], { topic }: Job): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers] }).admin();
  await admin.connect();
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries: [{ name: 'flush.messages', value: '1' }] }] });
  await admin.disconnect();
}
