import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';

export interface BackfillOptions {
  table: string;
  /** A column with a unique index, by which the table is walked; a number, text or uuid. */
  key: string;
  /** SQL of what to set, e.g. `name_lower = lower(name)`. */
  set: string;
  /** SQL of which rows still need it, so that a run that was broken off goes on where it ended. */
  where: string;
  /** Rows of one batch, each a transaction of its own. Default 1000: a few milliseconds, in which rows stay locked. */
  batchRows?: number;
  /** Milliseconds between two batches, in which replicas and vacuum keep up. Default 20. */
  pauseMs?: number;
}

/**
 * The middle of expand → backfill → contract: changes rows a batch at a time, while the service runs. For a migration
 * with `transaction = false`.
 *
 * @returns how many rows it has changed
 */
export async function backfill(runner: QueryRunner, options: BackfillOptions): Promise<number> {
  const { table, key, set, where, batchRows = 1000, pauseMs = 20 } = options;
  if (runner.isTransactionActive) throw new Error('a backfill in one transaction locks all rows until its end: set `transaction = false` in the migration');
  let changed = 0;
  let after: unknown;
  for (;;) {
    const rows = (await runner.query(
      `with batch as (
         select ${key} as key from ${table} where (${where}) ${after === undefined ? '' : `and ${key} > $2`} order by ${key} limit $1
       ), done as (
         update ${table} set ${set} from batch where ${table}.${key} = batch.key and (${where}) returning 1
       )
       select not exists (select from batch) as ended, (select key from batch order by key desc limit 1) as last, (select count(*)::int from done) as changed`,
      after === undefined ? [batchRows] : [batchRows, after],
    )) as { ended: boolean; last: unknown; changed: number }[];
    const [batch] = rows;
    if (!batch || batch.ended) return changed;
    changed += batch.changed;
    after = batch.last;
    await sleep(pauseMs);
  }
}
