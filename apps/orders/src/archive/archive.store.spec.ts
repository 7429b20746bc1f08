import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import S3rver from '@20minutes/s3rver';
import type { Disk } from 'flydrive';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { archiveAll, startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { archiveStore } from './archive.store.ts';
import { monthOf, restoreMonth } from './month.archive.ts';
import { OrderArchive } from './order.archive.ts';

/** Months in a bucket of a server that speaks S3. */
let server: S3rver;
let directory: string;
let store: Disk;
let orders: OrdersFixture;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tenfold-s3-'));
  server = new S3rver({ port: 0, address: '127.0.0.1', directory, silent: true, configureBuckets: [{ name: 'archive' }] });
  const { port } = await server.run();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
  store = await archiveStore(`s3://archive?endpoint=${encodeURIComponent(`http://127.0.0.1:${port}`)}`);
  orders = await startOrders();
});

afterAll(async () => {
  await orders.close();
  await server.close();
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

test('a month goes into the bucket, is read there, and comes back as it was', async () => {
  const old = monthOf(new Date(), 24);
  const accountId = orders.accountOn(0);
  await orders.query(
    accountId,
    `insert into orders select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a' || substr(md5(n::text), 4, 15))::uuid,
       $1::uuid, 'confirmed', 100 + n, at, '[]'
     from generate_series(1, 3000) as n, lateral (select date_trunc('milliseconds', $2::timestamptz + n * interval '1 minute') as at) as times`,
    [accountId, `${old}-01T00:00:00Z`],
  );
  const fingerprint = () => orders.query(accountId, `select count(*)::int as count, md5(string_agg(o::text, '|' order by id)) as sum from orders as o`);
  const before = await fingerprint();
  const archive = new OrderArchive(orders.sharded, { store, keepMonths: 23 });

  expect(await archiveAll(archive)).toMatchObject([{ shard: 'orders-0', month: old, rows: 3000 }, { shard: 'orders-1', month: old, rows: 0 }]);
  expect(await store.exists(`orders/orders-0/${old}.jsonl.gz`)).toBe(true);
  expect(await fingerprint()).toEqual([{ count: 0, sum: null }]);
  expect(await archive.list(accountId, old)).toHaveLength(3000);

  const restored = await orders.sharded.of(accountId).write((tx) => restoreMonth((sql, parameters) => tx.query(sql, parameters), store, 'orders-0', old));
  expect(restored).toBe(3000);
  expect(await fingerprint()).toEqual(before);
});

test('a file of a length that nobody knows yet is sent in parts', async () => {
  const chunks = Array.from({ length: 24 }, () => randomBytes(512 * 1024));
  await store.putStream('large', Readable.from(chunks));
  const read = createHash('sha256');
  for await (const chunk of await store.getStream('large')) read.update(chunk as Buffer);
  const sent = createHash('sha256');
  for (const chunk of chunks) sent.update(chunk);
  expect(read.digest('hex')).toBe(sent.digest('hex'));
});

test('a stream that breaks leaves no file', async () => {
  const broken = Readable.from(
    (async function* () {
      yield randomBytes(6 * 1024 * 1024);
      throw new Error('broken by the test');
    })(),
  );
  // This server cannot be told to forget the parts, so it is that which the error tells.
  await expect(store.putStream('broken', broken)).rejects.toThrow('Cannot write file');
  expect(await store.exists('broken')).toBe(false);
});
