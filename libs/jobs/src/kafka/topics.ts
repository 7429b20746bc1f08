import { topicsOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { createKafka } from './kafkajs.client.ts';

/**
 * Makes the topics of the messages that do not exist yet: theirs, those of their retries and of their dead letters.
 * An existing topic is left as it is. Run it at deployment; a service makes no topics.
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
      waitForLeaders: true,
      topics: missing.map(({ topic, partitions }) => ({ topic, numPartitions: partitions, replicationFactor: -1 })),
    });
  } finally {
    await admin.disconnect();
  }
}
