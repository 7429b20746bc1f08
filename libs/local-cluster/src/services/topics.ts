import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allMessages, topicsOf } from '@tenfold/contracts';
import type { Admin } from 'kafkajs';
import type { ClusterContext } from '../cluster.context.ts';
import { kafkaClient } from '../components/kafka.component.ts';
import { writeAtomically } from '../files.ts';

/** Makes the topics of all jobs and events that the contracts declare; those that exist are left as they are. */
export async function makeTopics(context: ClusterContext): Promise<void> {
  const wanted = allMessages.flatMap(topicsOf).map(({ topic, partitions }) => ({ topic, numPartitions: partitions, replicationFactor: 1 }));
  // Beside the data, so that whoever deletes the one deletes the other.
  const file = join(context.directory, 'kafka/topics.json');
  const list = `${JSON.stringify(wanted, undefined, 2)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === list) return;
  await context.timeline.measure('kafka: topics', async () => {
    const admin = (await kafkaClient(await context.ports.of('kafka.kafka'), { retries: 20 })).admin();
    try {
      await admin.connect();
      const existing = new Set(await admin.listTopics());
      const topics = wanted.filter(({ topic }) => !existing.has(topic));
      if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: true, timeout: 10_000 });
      await warmUpOffsets(admin);
    } finally {
      await admin.disconnect();
    }
  });
  writeAtomically(file, list);
}

/**
 * The first question about offsets makes Kafka's own topic for them, and fails until it is there. Asked here, so that
 * the first consumers need not crash and come again; they can, so a broker that stays slow is not waited for.
 */
async function warmUpOffsets(admin: Admin): Promise<void> {
  for (let tries = 0; tries < 30; tries += 1) {
    try {
      await admin.fetchOffsets({ groupId: 'local-cluster' });
      return;
    } catch {
      await sleep(100);
    }
  }
}
