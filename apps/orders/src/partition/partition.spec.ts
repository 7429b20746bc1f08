import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { PartitionHandler } from './partition.handler.ts';

let orders: OrdersFixture;
let partitions: PartitionHandler;

beforeAll(async () => {
  orders = await startOrders();
  partitions = orders.module.get(PartitionHandler);
});
afterAll(() => orders.close());

/** Names of the partitions from `first` to `last` months ahead. */
function namesOf(first: number, last: number): string[] {
  const now = new Date();
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const [year, month] = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + first + index)).toISOString().split('-');
    return `orders_y${year}m${month}`;
  });
}

async function partitionsOf(shard: number): Promise<string[]> {
  const sql = `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'orders'::regclass order by name`;
  const rows = await orders.query<{ name: string }>(orders.accountOn(shard), sql);
  return rows.map(({ name }) => name);
}

test('begins with two years back and three months ahead', async () => {
  expect(await partitionsOf(0)).toEqual(['orders_default', ...namesOf(-24, 3)]);
});

test('makes the missing months on every shard, once, even when asked twice at a time', async () => {
  const answers = await Promise.all([partitions.ensurePartitions({ monthsAhead: 5 }), partitions.ensurePartitions({ monthsAhead: 5 })]);
  const created = answers.flatMap((answer) => answer.created).sort();
  expect(created).toEqual(['orders-0', 'orders-1'].flatMap((shard) => namesOf(4, 5).map((name) => `${shard}.${name}`)));
  expect(await partitionsOf(1)).toEqual(expect.arrayContaining(namesOf(4, 5)));
});

test('makes nothing when all are there', async () => {
  await partitions.ensurePartitions({ monthsAhead: 5 });
  expect(await partitions.ensurePartitions({ monthsAhead: 5 })).toEqual({ created: [] });
});

test('gives a new partition the indexes of the others', async () => {
  await partitions.ensurePartitions({ monthsAhead: 5 });
  const sql = 'select count(*)::int as count from pg_indexes where tablename = $1';
  const counts = await Promise.all(namesOf(3, 5).map((name) => orders.query<{ count: number }>(orders.accountOn(0), sql, [name])));
  expect(counts.flat()).toEqual([{ count: 2 }, { count: 2 }, { count: 2 }]);
});
