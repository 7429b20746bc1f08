import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { Disk } from 'flydrive';
import type { Order } from '@tenfold/contracts';

/** Runs SQL in the transaction of whoever archives, and gives the rows. */
export type Query = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

/** What was written of one month of one shard; beside the file as JSON, and in `archived_months`. */
export interface ArchivedMonth {
  shard: string;
  /** `2024-11`. */
  month: string;
  /** Key of the file: a line of JSON for each order, compressed by gzip. */
  file: string;
  rows: number;
  /** Of the lines, not compressed, hexadecimal. */
  sha256: string;
}

const batchRows = 2000;

export const partitionOf = (month: string): string => `orders_y${month.slice(0, 4)}m${month.slice(5, 7)}`;
const fileOf = (shard: string, month: string) => `orders/${shard}/${month}.jsonl.gz`;

/** A month as text; the one that holds `time`, or so many before it. */
export function monthOf(time: Date, before = 0): string {
  return new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() - before)).toISOString().slice(0, 7);
}

/**
 * Moves a month's orders into the object store: writes the file, reads it back, and only when that is what is in the
 * partition drops the partition. One transaction that keeps writers out of that old month: whatever breaks it off
 * leaves the orders where they are, and the next attempt writes the file anew.
 *
 * @returns undefined when there is no partition of that month
 * @throws Error when the file that was read back is not what was written
 */
export async function archiveMonth(query: Query, store: Disk, shard: string, month: string): Promise<ArchivedMonth | undefined> {
  const partition = partitionOf(month);
  const [found] = await query<{ there: boolean }>(`select exists (select from pg_inherits where inhparent = 'orders'::regclass and inhrelid = to_regclass($1)) as there`, [partition]);
  if (!found?.there) return undefined;
  // Checkouts queue behind a lock that is waited for, so it is waited for briefly.
  await query(`set local lock_timeout = '2s'`);
  await query(`lock table only ${partition} in share mode`);
  const file = fileOf(shard, month);
  const written = new Content();
  const packed = createGzip();
  // An error on the way destroys the last of them, which the store then sees.
  pipeline(Readable.from(written.passing(linesOf(query, partition))), packed, () => {});
  await store.putStream(file, packed);
  const archived: ArchivedMonth = { shard, month, file, rows: written.rows, sha256: written.sha256 };
  await store.put(`${file}.json`, `${JSON.stringify(archived)}\n`);
  await verify(store, archived);
  await query(`insert into archived_orders select account_id, $1, $2, count(*) from only ${partition} group by account_id`, [month, file]);
  await query(`alter table orders detach partition ${partition}`);
  await query(`drop table ${partition}`);
  await query(
    `insert into archived_months (month, file, rows, sha256) values ($1, $2, $3, $4)
     on conflict (month) do update set file = excluded.file, rows = excluded.rows, sha256 = excluded.sha256, archived_at = now()`,
    [month, file, archived.rows, archived.sha256],
  );
  return archived;
}

/**
 * Brings a month back as a partition like any other; its file stays.
 *
 * @returns how many orders came back; undefined when the month is not in the archive
 * @throws Error when the file is not what was written; nothing is changed then
 */
export async function restoreMonth(query: Query, store: Disk, shard: string, month: string): Promise<number | undefined> {
  const [known] = await query<{ file: string; rows: number; sha256: string }>('select file, rows, sha256 from archived_months where month = $1 for update', [month]);
  if (!known) return undefined;
  const archived: ArchivedMonth = { shard, month, ...known };
  await verify(store, archived);
  const partition = partitionOf(month);
  await query(`create table ${partition} (like orders including all)`);
  let batch: string[] = [];
  const insert = async () => {
    // The server reads the JSON itself, so that nothing is lost on the way through our types.
    await query(`insert into ${partition} select * from jsonb_populate_recordset(null::orders, $1)`, [`[${batch.join(',')}]`]);
    batch = [];
  };
  for await (const line of linesIn(store, archived.file)) {
    batch.push(line);
    if (batch.length === batchRows) await insert();
  }
  if (batch.length > 0) await insert();
  await query(`set local lock_timeout = '2s'`);
  const [begin, end] = [`${month}-01 00:00+00`, `${monthOf(new Date(`${month}-01T00:00:00Z`), -1)}-01 00:00+00`];
  await query(`alter table orders attach partition ${partition} for values from ('${begin}') to ('${end}')`);
  await query('delete from archived_months where month = $1', [month]);
  await query('delete from archived_orders where file = $1', [archived.file]);
  return archived.rows;
}

/** The account's orders in a month's file, the earliest first. Whoever has what it looked for reads no further. */
export async function* ordersIn(store: Disk, file: string, accountId: string): AsyncGenerator<Order> {
  for await (const line of linesIn(store, file)) {
    if (!line.includes(accountId)) continue;
    const row = JSON.parse(line) as { id: string; account_id: string; status: Order['status']; total_cents: number; created_at: string; lines: Order['lines'] };
    if (row.account_id !== accountId) continue;
    yield { id: row.id, accountId, status: row.status, totalCents: row.total_cents, lines: row.lines, createdAt: new Date(row.created_at).toISOString() };
  }
}

/** @throws Error when the file has other lines than were counted when it was written */
async function verify(store: Disk, { file, rows, sha256 }: ArchivedMonth): Promise<void> {
  const read = new Content();
  for await (const _ of read.passing(linesIn(store, file))) continue;
  if (read.rows === rows && read.sha256 === sha256) return;
  throw new Error(`${file} holds ${read.rows} orders with checksum ${read.sha256}, not ${rows} with ${sha256}: it is damaged`);
}

async function* linesOf(query: Query, partition: string): AsyncGenerator<string> {
  let last: { created_at: string; id: string } | undefined;
  for (;;) {
    const rows = await query<{ line: string; created_at: string; id: string }>(
      `select to_jsonb(o)::text as line, o.created_at::text, o.id::text from only ${partition} as o
       ${last ? 'where (o.created_at, o.id) > ($2::timestamptz, $3::uuid)' : ''} order by o.created_at, o.id limit $1`,
      last ? [batchRows, last.created_at, last.id] : [batchRows],
    );
    for (const { line } of rows) yield line;
    last = rows.at(-1);
    if (rows.length < batchRows) return;
  }
}

async function* linesIn(store: Disk, file: string): AsyncGenerator<string> {
  const source = await store.getStream(file);
  const unpacked = source.pipe(createGunzip());
  source.on('error', (error) => unpacked.destroy(error));
  try {
    yield* createInterface({ input: unpacked, crlfDelay: Infinity });
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}

/** Counts and checks the lines that pass. */
class Content {
  rows = 0;
  readonly #hash = createHash('sha256');
  #digest: string | undefined;

  async *passing(lines: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const line of lines) {
      this.rows += 1;
      this.#hash.update(`${line}\n`);
      yield `${line}\n`;
    }
  }

  get sha256(): string {
    return (this.#digest ??= this.#hash.digest('hex'));
  }
}
