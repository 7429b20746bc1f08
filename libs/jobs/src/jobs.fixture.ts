import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { defineJob, topicsOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { createTestDatabase } from '@tenfold/database/testing';
import { inject } from 'vitest';
import { z } from 'zod';
import { inboxMigrations } from './consumers/inbox.migration.ts';
import { createKafka } from './kafka/kafkajs.client.ts';
import { lanes, outboxMigrations } from './outbox/outbox.migration.ts';
import { readTopic } from './kafka/topic.reader.ts';
import { jobStateMigrations } from './states/job-states.migration.ts';
import { ensureTopics } from './kafka/topics.ts';

// Most of these tests make something fail, and each failure is logged with its stack.
Logger.overrideLogger(false);

export const numbered = z.strictObject({ key: z.string(), number: z.int() });

/** A job with a topic of its own. */
export function makeJob(options: { retryDelaysMs?: readonly number[]; timeoutMs?: number; partitions?: number; ordered?: boolean } = {}) {
  return defineJob({
    topic: `test.${randomUUID()}`,
    payload: numbered,
    key: ({ key }) => key,
    partitions: 2,
    retryDelaysMs: [],
    ...options,
  });
}

/** A database with outbox and inbox, and topics, all removed by `close`. */
export async function startServers() {
  const brokers = [inject('servers').kafka];
  const nodes = await createTestDatabase({ migrations: [...outboxMigrations, ...inboxMigrations, ...jobStateMigrations] });
  const database = new Database({ name: 'jobs', entities: [], ...nodes });
  const kafka = createKafka({ brokers, instance: 'test', retry: { retries: 10, maxRetryTime: 500 } });
  const admin = kafka.admin();
  await admin.connect();
  const made: Message[] = [];

  /** How many messages a topic has ever got. */
  const countRecords = async (topic: string): Promise<number> => {
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high }) => sum + Number(high), 0);
  };

  return {
    brokers,
    database,
    countRecords,

    async withTopics<M extends Message>(message: M): Promise<M> {
      made.push(message);
      await ensureTopics(brokers, [message]);
      return message;
    },

    /** Messages that have been committed and not been sent. */
    async countUnsent(): Promise<number> {
      const [{ count }] = await database.write((tx) =>
        tx.query<[{ count: number }]>(
          `SELECT count(*)::int AS count FROM generate_series(0, $1::int - 1) AS number, outbox_position(number) AS position,
             outbox WHERE lane = number AND NOT pg_visible_in_snapshot(outbox.xid, position.snapshot)`,
          [lanes],
        ),
      );
      return count;
    },

    readRecords: (topic: string) => readTopic(brokers, topic),

    async close(): Promise<void> {
      const topics = made.flatMap((message) => topicsOf(message)).map(({ topic }) => topic);
      if (topics.length > 0) await admin.deleteTopics({ topics });
      await admin.disconnect();
      await database.close();
      await nodes.drop();
    },
  };
}

export type TestServers = Awaited<ReturnType<typeof startServers>>;
