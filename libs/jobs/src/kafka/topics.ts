import { setTimeout as sleep } from 'node:timers/promises';
import { topicsOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import type { Admin } from 'kafkajs';
import { JobsError } from '../jobs.error.ts';
import { createKafka } from './kafkajs.client.ts';

/**
 * Makes the topics of the messages that do not exist yet: theirs, those of their retries and of their dead letters.
 * An existing topic is left as it is. Run it at deployment; a service makes no topics.
 *
 * @throws JobsError `kafka-unavailable` when a partition has no leader half a minute later
 */
export async function ensureTopics(brokers: readonly string[], messages: readonly Message[]): Promise<void> {
  const kafka = createKafka({
    brokers,
    instance: 'ensure-topics',
    retry: { retries: 10, initialRetryTime: 100, maxRetryTime: 1000 },
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = messages.flatMap((message) => topicsOf(message)).filter(({ topic }) => !existing.has(topic));
    if (missing.length === 0) return;
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map(({ topic, partitions }) => ({ topic, numPartitions: partitions, replicationFactor: -1 })),
    });
    await whenLed(admin, missing.map(({ topic }) => topic));
  } finally {
    await admin.disconnect();
  }
}

const ledWithinMs = 30_000;

/** Of a broker that has not heard of the topic, or of its leader; kafkajs' class of errors has no name that Node can import. */
const notYet = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/**
 * Waits until every partition has a leader. kafkajs' own `waitForLeaders` fails on a busy broker that has not heard of the
 * topic yet, which is made by then.
 */
async function whenLed(admin: Admin, topics: string[]): Promise<void> {
  const until = Date.now() + ledWithinMs;
  for (;;) {
    try {
      const metadata = await admin.fetchTopicMetadata({ topics });
      if (metadata.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0))) return;
    } catch (error) {
      if (!notYet.has((error as { type?: string }).type ?? '')) throw error;
    }
    if (Date.now() > until) throw new JobsError('kafka-unavailable', `no leader within ${ledWithinMs / 1000} s for some partition of ${topics.join(', ')}`);
    await sleep(100);
  }
}
