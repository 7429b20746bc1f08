import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { concurrency, effectSql, note } from './job.queue.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';

/** BullMQ, on a Redis that writes each command to the disk before it answers, as the other sides' servers do. */
export async function bullmqQueue({ databaseUrl, name, onHandled, onEnd, redisUrl }: QueueSurroundings & { redisUrl: string }): Promise<JobQueue> {
  const redis = new Redis(redisUrl);
  await redis.config('SET', 'appendfsync', 'always');
  redis.disconnect();
  const { hostname: host, port, password } = new URL(redisUrl);
  const connection = { host, port: Number(port), password, maxRetriesPerRequest: null };
  const pool = new Pool({ connectionString: databaseUrl, max: concurrency });
  const effect = effectSql(name);
  const queue = new Queue<{ number: number; note: string }>(name, { connection, defaultJobOptions: { removeOnComplete: true } });
  const worker = new Worker<{ number: number }>(
    name,
    async ({ data: { number } }) => {
      await pool.query({ name: 'effect', text: effect, values: [number] });
    },
    { connection, concurrency },
  );
  worker.on('completed', ({ data: { number } }) => onHandled([number]));
  onEnd(async () => {
    await worker.close();
    await queue.close();
    await pool.end();
  });
  await worker.waitUntilReady();
  return {
    async add(numbers) {
      await queue.addBulk(numbers.map((number) => ({ name: 'bench', data: { number, note } })));
    },
  };
}
