import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { bucketOf } from './bucket.ts';

/** First key of the advisory locks that keep a bucket where it is; the second is the bucket. */
export const bucketLock = 7_350_042;

/** Milliseconds after which every process knows that a bucket moves. */
export const knownAfterMs = 2000;

const keysAtATime = 50;

export interface MovingTable {
  name: string;
  /** The column whose value is the sharding key. */
  key: string;
}

export interface BucketMove {
  bucket: number;
  from: { shard: number; client: Client };
  to: { shard: number; client: Client };
  /** Every table that holds rows of a bucket; the same in both shards. */
  tables: readonly MovingTable[];
}

/**
 * Moves a bucket from the shard where it is to another one, while the services run. Writes of the bucket wait meanwhile,
 * some seconds; reads go on. It can be broken off anywhere: the bucket then stays closed for writes until the same move
 * is made again, which begins anew.
 *
 * 1. The source says that the bucket moves, once the writes under way have ended (an advisory lock).
 * 2. Every process has read that.
 * 3. The rows are copied, in one transaction of the target.
 * 4. The source says that the bucket has moved. From now on the target has it.
 * 5. When the last read of the source has ended, its rows are deleted.
 *
 * A session's position is of the source; on a replica of the target, rows that have just moved show once it has replayed them.
 *
 * @returns the number of rows moved
 */
export async function moveBucket({ bucket, from, to, tables }: BucketMove): Promise<number> {
  await inTransaction(from.client, async () => {
    await from.client.query('select pg_advisory_xact_lock($1, $2)', [bucketLock, bucket]);
    await from.client.query(
      `insert into moved_buckets values ($1, $2, 'moving') on conflict (bucket) do update set to_shard = excluded.to_shard, state = excluded.state`,
      [bucket, to.shard],
    );
  });
  await sleep(knownAfterMs);
  const keys = await keysOf(from.client, bucket, tables);
  const moved = await inTransaction(to.client, async () => {
    let rows = 0;
    for (const table of tables) {
      await deleteRows(to.client, table, await keysOf(to.client, bucket, [table]));
      for (let start = 0; start < keys.length; start += keysAtATime) rows += await copyRows(from.client, to.client, table, keys.slice(start, start + keysAtATime));
    }
    // It may have been here before.
    await to.client.query('delete from moved_buckets where bucket = $1', [bucket]);
    return rows;
  });
  await from.client.query(`update moved_buckets set state = 'moved' where bucket = $1`, [bucket]);
  await sleep(knownAfterMs);
  await inTransaction(from.client, async () => {
    for (const table of tables) await deleteRows(from.client, table, keys);
  });
  return moved;
}

/** Keys with rows in any of the tables; SQL does not know the bucket of a key, so all keys are gone through. */
async function keysOf(client: Client, bucket: number, tables: readonly MovingTable[]): Promise<string[]> {
  const sql = tables.map(({ name, key }) => `select ${key}::text as key from ${name}`).join(' union ');
  const { rows } = await client.query<{ key: string }>(sql);
  return [...new Set(rows.map(({ key }) => key))].filter((key) => bucketOf(key) === bucket);
}

async function copyRows(from: Client, to: Client, { name, key }: MovingTable, keys: readonly string[]): Promise<number> {
  const { rows } = await from.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} as t where ${key}::text = any($1)`, [keys]);
  // The server reads the JSON itself, so that nothing is lost on the way through our types.
  await to.query(`insert into ${name} select * from jsonb_populate_recordset(null::${name}, $1)`, [`[${rows.map(({ row }) => row).join(',')}]`]);
  return rows.length;
}

async function deleteRows(client: Client, { name, key }: MovingTable, keys: readonly string[]): Promise<void> {
  await client.query(`delete from ${name} where ${key}::text = any($1)`, [keys]);
}

async function inTransaction<Result>(client: Client, run: () => Promise<Result>): Promise<Result> {
  await client.query('begin');
  try {
    const result = await run();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
