import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { bucketOf } from '@tenfold/database';
import { moveBucket } from '@tenfold/database/bucket-move';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext, runInContext } from '@tenfold/telemetry';
import { bucketTables } from '../bucket.tables.ts';
import { OrderHandler } from '../order/order.handler.ts';
import { archiveAll, startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { monthOf, partitionOf, restoreMonth } from './month.archive.ts';
import { OrderArchive } from './order.archive.ts';

let orders: OrdersFixture;
let history: OrderHandler;
let archive: OrderArchive;
let directory: string;
let store: Disk;
let accountId: string;

const old = monthOf(new Date(), 24);

beforeAll(async () => {
  orders = await startOrders();
  history = orders.module.get(OrderHandler);
  directory = mkdtempSync(join(tmpdir(), 'tenfold-archive-'));
  store = new Disk(new FSDriver({ location: directory, visibility: 'private' }));
  archive = new OrderArchive(orders.sharded, { store, keepMonths: 23 });
  accountId = orders.accountOn(0);
  await orders.query(
    accountId,
    `insert into orders select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a' || substr(md5(n::text), 4, 15))::uuid,
       $1::uuid, 'confirmed', 100 + n, at, '[{"productId":1,"name":"Ünïcode","categoryId":1,"quantity":1,"priceCents":100}]'
     from generate_series(1, 4500) as n, lateral (select date_trunc('milliseconds', $2::timestamptz + n * interval '1 minute') as at) as times`,
    [accountId, `${old}-01T00:00:00Z`],
  );
});

afterAll(async () => {
  await orders.close();
  rmSync(directory, { recursive: true });
});

const fingerprint = () => orders.query<{ count: number; sum: string }>(accountId, `select count(*)::int as count, md5(string_agg(o::text, '|' order by id)) as sum from orders as o`);
const partitions = () => orders.query<{ name: string | null }>(accountId, 'select to_regclass($1)::text as name', [partitionOf(old)]);
const restore = () => orders.sharded.of(accountId).write((tx) => restoreMonth((sql, parameters) => tx.query(sql, parameters), store, 'orders-0', old));
const inSession = <Result>(run: () => Promise<Result>) => runInContext(createContext(), run);

test('an old month moves to the object store, its orders are still found, and it comes back as it was', async () => {
  const before = await fingerprint();
  const [some] = await orders.query<{ id: string }>(accountId, 'select id from orders limit 1 offset 2345');
  const id = some?.id ?? '';
  const placed = await inSession(async () => history.getOrder({ accountId, id }));

  const archived = await archiveAll(archive);
  expect(archived).toMatchObject([
    { shard: 'orders-0', month: old, rows: 4500 },
    { shard: 'orders-1', month: old, rows: 0 },
  ]);
  expect(await partitions()).toEqual([{ name: null }]);
  expect(await fingerprint()).toEqual([{ count: 0, sum: null }]);
  // A replica may not have the drop yet; the archive answers for it once it has.
  await expect.poll(() => archive.find(accountId, id)).toEqual(placed);
  expect(await archive.find(randomUUID(), id)).toBeUndefined();
  const page = await inSession(async () => history.listOrders({ accountId, limit: 20 }));
  expect(page).toEqual({ items: [], next: null, archived: [{ month: old, orders: 4500 }] });
  const items = await archive.list(accountId, old);
  expect(items).toHaveLength(4500);
  expect(items.map((order) => order.id)).toEqual(items.map((order) => order.id).sort().toReversed());
  expect(items.find((order) => order.id === id)).toEqual(placed);

  expect(await restore()).toBe(4500);
  expect(await fingerprint()).toEqual(before);
  expect(await restore()).toBeUndefined();
  expect(await archive.list(accountId, old)).toEqual([]);
});

test('a history says what is in the archive on its last page alone, and not to others', async () => {
  await archiveAll(archive);
  const other = orders.accountOn(0);
  const recent = (minute: number) =>
    orders.query(accountId, `insert into orders values ($1, $2, 'confirmed', 1, $3, '[]')`, [idAt(Date.now() - minute * 60_000), accountId, new Date(Date.now() - minute * 60_000)]);
  await inSession(async () => {
    for (const minute of [1, 2, 3]) await recent(minute);
    const first = await history.listOrders({ accountId, limit: 2 });
    expect(first.items).toHaveLength(2);
    expect(first).not.toHaveProperty('archived');
    const last = await history.listOrders({ accountId, limit: 2, after: first.next ?? undefined });
    expect(last).toMatchObject({ next: null, archived: [{ month: old, orders: 4500 }] });
    expect(await history.listOrders({ accountId: other, limit: 2 })).toEqual({ items: [], next: null });
    await expect(history.listArchivedOrders({ accountId: other, month: old })).rejects.toMatchObject({ code: 'not-found' });
    await orders.query(accountId, `delete from orders where account_id = $1`, [accountId]);
  });
  expect(await restore()).toBe(4500);
});

test('what is in the archive goes with the bucket of its account, and is found from its new shard', async () => {
  await archiveAll(archive);
  const clients = orders.sharded.all.map(({ nodes: [primary] }) => new Client({ connectionString: primary?.url }));
  for (const client of clients) await client.connect();
  const [source, target] = clients as [Client, Client];
  const { rows } = await source.query<{ name: string }>(
    `select relname as name from pg_attribute join pg_class on pg_class.oid = attrelid where attname = 'account_id' and relkind in ('r', 'p') and not relispartition`,
  );
  expect(rows.map(({ name }) => name).toSorted()).toEqual(bucketTables.map(({ name }) => name).toSorted());

  const bucket = bucketOf(accountId);
  const move = (from: Client, to: Client) =>
    moveBucket({ bucket, from: { shard: clients.indexOf(from), client: from }, to: { shard: clients.indexOf(to), client: to }, tables: bucketTables });
  await move(source, target);
  expect((await target.query('select from archived_orders where account_id = $1', [accountId])).rowCount).toBe(1);
  expect(await archive.list(accountId, old)).toHaveLength(4500);
  await move(target, source);
  expect(await archive.list(accountId, old)).toHaveLength(4500);
  for (const client of clients) await client.end();
  expect(await restore()).toBe(4500);
});

test('a few files are read at once, and whoever comes then is told to come again', async () => {
  await archiveAll(archive);
  const answers = await Promise.allSettled(Array.from({ length: 12 }, () => archive.list(accountId, old)));
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(4);
  const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const reason of refused) expect(reason).toMatchObject({ code: 'overloaded', retryAfterMs: 1000 });
  expect(await archive.list(accountId, old)).toHaveLength(4500);
  expect(await restore()).toBe(4500);
});

test('a month whose file cannot be read back stays in the database', async () => {
  const before = await fingerprint();
  const damaging = new Proxy(store, {
    get(target, name) {
      if (name === 'getStream') return async (key: string) => (await damage(key), target.getStream(key));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(target) : value;
    },
  });
  await archiveAll(new OrderArchive(orders.sharded, { store: damaging, keepMonths: 23 }));
  expect(await fingerprint()).toEqual(before);
});

test('a damaged file is not restored, and nothing changes', async () => {
  await archiveAll(archive);
  const file = join(directory, `orders/orders-0/${old}.jsonl.gz`);
  const good = readFileSync(file);
  damage(`orders/orders-0/${old}.jsonl.gz`);
  await expect(restore()).rejects.toThrow(/damaged|invalid|incorrect/);
  expect(await partitions()).toEqual([{ name: null }]);
  writeFileSync(file, good);
  expect(await restore()).toBe(4500);
});

test('an order of a month without a partition is not lost', async () => {
  await archiveAll(archive);
  const at = `${old}-15T12:00:00Z`;
  await orders.query(accountId, `insert into orders values ($1, $2, 'confirmed', 1, $3, '[]')`, [randomUUID(), accountId, at]);
  const [row] = await orders.query<{ partition: string }>(accountId, 'select tableoid::regclass::text as partition from orders where created_at = $1', [at]);
  expect(row?.partition).toBe('orders_default');
});

/** The id of an order of that time, in milliseconds. */
function idAt(time: number): string {
  const hex = Math.floor(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
}

function damage(key: string): void {
  const file = join(directory, key);
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 0xff, bytes.length >> 1);
  writeFileSync(file, bytes);
}
