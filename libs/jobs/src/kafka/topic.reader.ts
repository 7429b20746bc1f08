import { randomUUID } from 'node:crypto';
import type { IncomingRecord } from './kafka.client.ts';
import { createKafka } from './kafkajs.client.ts';
import { received } from './kafkajs.consumer.ts';

/**
 * Everything that a topic holds now, in order within each partition; for tools and tests, since all of it is kept in
 * memory. An unknown topic is empty.
 *
 * @throws Error when no broker answers
 */
export async function readTopic(brokers: readonly string[], topic: string): Promise<IncomingRecord[]> {
  const kafka = createKafka({ brokers, instance: 'topic-reader', retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 } });
  const admin = kafka.admin();
  await admin.connect();
  const groupId = `topic-reader.${randomUUID()}`;
  try {
    if (!(await admin.listTopics()).includes(topic)) return [];
    const ends = (await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => Number(high) > Number(low));
    if (ends.length === 0) return [];
    const unread = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
    const records: IncomingRecord[] = [];
    const all = Promise.withResolvers<void>();
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50, allowAutoTopicCreation: false });
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) all.reject(error);
    });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          const end = unread.get(batch.partition);
          if (end === undefined) return;
          for (const message of batch.messages) {
            if (Number(message.offset) < end) records.push(received(topic, batch.partition, message));
          }
          if (Number(batch.lastOffset()) + 1 >= end) unread.delete(batch.partition);
          if (unread.size === 0) all.resolve();
        },
      });
      await all.promise;
    } finally {
      await consumer.disconnect();
    }
    await admin.deleteGroups([groupId]);
    return records;
  } finally {
    await admin.disconnect();
  }
}
