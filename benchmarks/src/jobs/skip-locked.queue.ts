import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { concurrency, effectSql, note } from './job.queue.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';

/**
 * A table of jobs of which each handler takes one at a time: taken, done and deleted in one transaction, as the manual's
 * page on SELECT recommends SKIP LOCKED for (https://www.postgresql.org/docs/current/sql-select.html).
 */
export async function skipLockedQueue({ databaseUrl, name, onHandled, onEnd }: QueueSurroundings): Promise<JobQueue> {
  const pool = new Pool({ connectionString: databaseUrl, max: concurrency + 4 });
  await pool.query(`create table jobs_${name} (id bigint generated always as identity primary key, number int not null, note text not null)`);
  const takeSql = `delete from jobs_${name} where id = (select id from jobs_${name} order by id for update skip locked limit 1) returning number`;
  const ended = new AbortController();

  const takeOne = async (): Promise<boolean> => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<{ number: number }>({ name: 'take', text: takeSql });
      const [job] = rows;
      if (job) await client.query({ name: 'effect', text: effectSql(name), values: [job.number] });
      await client.query('commit');
      if (job) onHandled([job.number]);
      return job !== undefined;
    } finally {
      client.release();
    }
  };
  const handlers = Array.from({ length: concurrency }, async () => {
    while (!ended.signal.aborted) if (!(await takeOne())) await sleep(5);
  });
  onEnd(async () => {
    ended.abort();
    await Promise.all(handlers);
    await pool.end();
  });
  return {
    async add(numbers) {
      await pool.query(`insert into jobs_${name} (number, note) select unnest($1::int[]), $2`, [numbers, note]);
    },
  };
}
