import { planOf, recordStatements, runSql } from '@tenfold/database/testing';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { PaymentHandler } from '../payment/payment.handler.ts';
import { OrderHandler } from './order.handler.ts';

/** Plans of the hot reads on a volume like the seeded one. A snapshot that changes says that a query or an index did. */
let orders: OrdersFixture;
let history: OrderHandler;
let accountId: string;
let url: string;
const statements = recordStatements();

beforeAll(async () => {
  orders = await startOrders();
  history = orders.module.get(OrderHandler);
  accountId = orders.accountOn(0);
  url = orders.primaryUrl;
  // 3,000 accounts with 20 orders each over two years; one of them is ours. None of this month, which on its first days has
  // so few that reading all of them is the better plan.
  await runSql(url, [
    `insert into orders select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || 'a' || substr(md5(n::text), 4, 15))::uuid,
       case when n % 3000 = 0 then $1::uuid else md5((n % 3000)::text)::uuid end, 'confirmed', n, at, '[]'
     from generate_series(0, 59999) as n, lateral (select date_trunc('month', now()) - (n + 1) * interval '16 minutes' as at) as times`,
    [accountId],
  ], ['vacuum analyze']);
});

afterAll(async () => {
  await orders.close();
  statements.stop();
});

/** The one statement that `run` needs on each of so many shards, explained. */
async function planned(run: () => Promise<unknown>, shards = 1): Promise<string> {
  statements.take();
  await run();
  // Relay and bucket map look at their own tables meanwhile.
  const [statement, ...more] = statements.take().filter(({ sql }) => /\borders\b/.test(sql));
  expect(more.map(({ sql }) => sql)).toEqual(Array.from({ length: shards - 1 }, () => statement?.sql));
  return planOf(url, statement?.sql ?? '', statement?.parameters);
}

const inSession = <Result>(run: () => Promise<Result>) => runInContext(createContext(), run);

test('the first page of a history takes the index of the account in each month', async () => {
  expect(await planned(() => history.listOrders({ accountId, limit: 10 }))).toMatchInlineSnapshot(`
    "
    Sort: rows ≤ 16, pages ≤ 256
      Nested Loop: rows ≤ 16, pages ≤ 256
        Aggregate: rows ≤ 1, pages ≤ 16
          Aggregate: rows ≤ 1, pages ≤ 1
            Seq Scan on archived_orders: rows ≤ 1, pages ≤ 1
        Limit: rows ≤ 16, pages ≤ 256
          Merge Append: rows ≤ 16, pages ≤ 256
            Index Scan by orders_<month>_account_id_created_at_id_idx, on ≤ 64 partitions
    "
  `);
});

test('a later page takes it, too, and begins where the page before ended', async () => {
  const { next } = await inSession(() => history.listOrders({ accountId, limit: 10 }));
  expect(await planned(() => history.listOrders({ accountId, limit: 10, after: next ?? undefined }))).toMatchInlineSnapshot(`
    "
    Sort: rows ≤ 16, pages ≤ 256
      Nested Loop: rows ≤ 16, pages ≤ 256
        Aggregate: rows ≤ 1, pages ≤ 16
          Aggregate: rows ≤ 1, pages ≤ 1
            Seq Scan on archived_orders: rows ≤ 1, pages ≤ 1
        Limit: rows ≤ 16, pages ≤ 256
          Merge Append: rows ≤ 16, pages ≤ 256
            Index Scan by orders_<month>_account_id_created_at_id_idx, on ≤ 64 partitions
    "
  `);
});

test('the orders of everybody are the first of each month by its primary key, on a later page only of earlier months', async () => {
  const page = () => history.listAllOrders({ limit: 10 });
  expect(await planned(page, 2)).toMatchInlineSnapshot(`
    "
    Limit: rows ≤ 16, pages ≤ 256
      Merge Append: rows ≤ 16, pages ≤ 256
        Index Scan by orders_<month>_pkey, on ≤ 64 partitions
    "
  `);
  const { next } = await inSession(page);
  expect(await planned(() => history.listAllOrders({ limit: 10, after: next ?? undefined }), 2)).toMatchInlineSnapshot(`
    "
    Limit: rows ≤ 16, pages ≤ 256
      Merge Append: rows ≤ 16, pages ≤ 256
        Index Scan by orders_<month>_pkey, on ≤ 64 partitions
    "
  `);
});

test('an order is one look-up in the one month that its id names', async () => {
  const { items } = await inSession(() => history.listOrders({ accountId, limit: 1 }));
  const plan = await planned(() => history.getOrder({ accountId, id: items[0]?.id ?? '' }));
  // The primary key and the index of the account are equally good.
  expect(plan.replace(/by \S+ on/, 'by one index on')).toMatchInlineSnapshot(`
    "
    Limit: rows ≤ 1, pages ≤ 4
      Index Scan by one index on orders_<month>: rows ≤ 1, pages ≤ 4
    "
  `);
});

test('orders that are paid are found by their ids, in the months that these name', async () => {
  const { items } = await inSession(() => history.listOrders({ accountId, limit: 2 }));
  const payments = items.map(({ id }) => ({ accountId, orderId: id, outcome: 'accepted' as const }));
  expect(await planned(() => orders.module.get(PaymentHandler).settlePayments({ payments }))).toMatchInlineSnapshot(`
    "
    Sort: rows ≤ 1, pages ≤ 16
      LockRows: rows ≤ 1, pages ≤ 16
        Merge Append: rows ≤ 1, pages ≤ 16
          Index Scan by orders_<month>_pkey, on ≤ 4 partitions
      ModifyTable on orders: rows ≤ 1, pages ≤ 16
        Nested Loop: rows ≤ 1, pages ≤ 16
          CTE Scan: rows ≤ 1, pages ≤ 16
          Append: rows ≤ 1, pages ≤ 1
            Index Scan by orders_<month>_pkey, on ≤ 4 partitions
      ModifyTable on unpaid_orders: rows ≤ 1, pages ≤ 1
        Nested Loop: rows ≤ 1, pages ≤ 1
          Seq Scan on unpaid_orders: rows ≤ 1, pages ≤ 1
          CTE Scan: rows ≤ 1, pages ≤ 1
      CTE Scan: rows ≤ 1, pages ≤ 16
    "
  `);
});
