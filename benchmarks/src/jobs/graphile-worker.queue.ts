import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import type { WorkerEvents } from 'graphile-worker';
import { EventEmitter } from 'node:events';
import { Pool } from 'pg';
import { concurrency, effectSql, note } from './job.queue.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';

/** graphile-worker as it comes: a job is fetched, run and marked as complete by statements of its own. */
export async function graphileWorkerQueue({ databaseUrl, name, onHandled, onEnd }: QueueSurroundings): Promise<JobQueue> {
  const pool = new Pool({ connectionString: databaseUrl, max: concurrency + 4 });
  const events = new EventEmitter() as WorkerEvents;
  const effect = effectSql(name);
  pool.on('error', () => {});
  const logger = new Logger(() => () => {});
  const runner = await run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    logger,
    events,
    taskList: {
      async bench(payload, { query }) {
        await query(effect, [(payload as { number: number }).number]);
      },
    },
  });
  const adder = await makeWorkerUtils({ pgPool: pool, logger });
  events.on('job:complete', ({ job }) => onHandled([(job.payload as { number: number }).number]));
  onEnd(async () => {
    await runner.stop();
    await adder.release();
    await pool.end();
  });
  return {
    async add(numbers) {
      await adder.addJobs(numbers.map((number) => ({ identifier: 'bench', payload: { number, note } })));
    },
  };
}
