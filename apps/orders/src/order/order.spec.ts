import { randomUUID } from 'node:crypto';
import { recordStatements } from '@tenfold/database/testing';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CheckoutHandler } from '../checkout/checkout.handler.ts';
import { startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { OrderHandler } from './order.handler.ts';
import { newOrderId } from './order.id.ts';

let orders: OrdersFixture;
const statements = recordStatements();
let history: OrderHandler;
let checkout: CheckoutHandler;
let accountId: string;

beforeAll(async () => {
  orders = await startOrders();
  history = orders.module.get(OrderHandler);
  checkout = orders.module.get(CheckoutHandler);
});
afterAll(async () => {
  await orders.close();
  statements.stop();
});
beforeEach(() => {
  accountId = orders.accountOn(0);
  orders.inventory.reset();
});

const day = 24 * 60 * 60 * 1000;

/** Puts an order into the past, as the seeder does. */
async function orderAt(time: number): Promise<string> {
  const hex = time.toString(16).padStart(12, '0');
  const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`;
  const sql = `insert into orders (id, account_id, status, total_cents, created_at, lines) values ($1, $2, 'confirmed', 5000000000, $3, '[]')`;
  await orders.query(accountId, sql, [id, accountId, new Date(time)]);
  return id;
}

/** All pages of the account's history, as ids. */
async function pages(limit: number): Promise<string[][]> {
  const found: string[][] = [];
  let after: string | undefined;
  do {
    const { items, next } = await history.listOrders({ accountId, limit, after });
    found.push(items.map(({ id }) => id));
    after = next ?? undefined;
  } while (after !== undefined);
  return found;
}

function place() {
  const items = [{ productId: 1, quantity: 1 }];
  return checkout.placeOrder({ accountId, idempotencyKey: randomUUID(), bodyHash: 'hash of the body', items });
}

/** Runs in the context of one session, so that reads see what was written. */
function inSession<Result>(run: () => Promise<Result>): Promise<Result> {
  return runInContext(createContext(), run);
}

test('lists orders over pages and months, latest first, each once', async () => {
  await inSession(async () => {
    const now = Date.now();
    const times = [now, now - day, now - 40 * day, now - 40 * day, now - 200 * day];
    const ids: string[] = [];
    for (const time of times) ids.push(await orderAt(time));
    // Two of the same millisecond go by their ids.
    const [first, second, third, fourth, fifth] = ids as [string, string, string, string, string];
    const middle = [third, fourth].sort().toReversed() as [string, string];
    expect(await pages(2)).toEqual([[first, second], middle, [fifth]]);
  });
});

test('says on a full last page that there is no next one', async () => {
  await inSession(async () => {
    await orderAt(Date.now() - day);
    const id = await orderAt(Date.now());
    expect((await pages(1)).flat()).toContain(id);
    expect(await history.listOrders({ accountId, limit: 2 })).toMatchObject({ next: null });
  });
});

test('lists the orders of all accounts over both shards, latest first, each once, also while a bucket is in two places', async () => {
  await inSession(async () => {
    const now = Date.now() + 60_000;
    const ids: string[] = [];
    for (const [index, shard] of [0, 1, 1, 0, 1, 0, 0].entries()) {
      accountId = orders.accountOn(shard);
      ids.push(await orderAt(now - index * day));
    }
    // What a move leaves in the source until the last read of it has ended.
    const [copied, account] = [ids.at(-1) ?? '', accountId];
    const copy = `insert into orders (id, account_id, status, total_cents, created_at, lines) values ($1, $2, 'confirmed', 5000000000, $3, '[]')`;
    await orders.query(orders.accountOn(1), copy, [copied, account, new Date(now - 6 * day)]);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await history.listAllOrders({ limit: 2, after });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id).filter((id) => ids.includes(id)));
      after = page.next ?? undefined;
    } while (after !== undefined && seen.length <= ids.length);
    expect(seen).toEqual(ids);
    await expect(history.listAllOrders({ limit: 2, after: 'x' })).rejects.toMatchObject({ code: 'bad-cursor' });
    const own = await history.listOrders({ accountId, limit: 1 });
    await expect(history.listAllOrders({ limit: 2, after: own.next ?? 'none' })).rejects.toMatchObject({ code: 'bad-cursor' });
  });
});

test('gives nothing to an account without orders', async () => {
  expect(await history.listOrders({ accountId, limit: 20 })).toEqual({ items: [], next: null });
});

test('shows an order to its session at once, whichever replica answers', async () => {
  for (let count = 0; count < 20; count += 1) {
    await inSession(async () => {
      const { order } = await place();
      expect(await history.getOrder({ accountId, id: order.id })).toEqual(order);
      const { items } = await history.listOrders({ accountId, limit: 1 });
      expect(items[0]?.id).toBe(order.id);
    });
  }
});

test('what a history has shown, no later look of the session may miss: reads carry a position on, for no statement more', async () => {
  const context = createContext();
  statements.take();
  await runInContext(context, () => history.listOrders({ accountId, limit: 1 }));
  expect(context.positions.get('orders-0')).toMatch(/^[\dA-F]+\/[\dA-F]+$/);
  expect(statements.take().filter(({ sql }) => /\borders\b/.test(sql) && sql.includes('archived_orders'))).toHaveLength(1);
});

test('refuses a cursor that no list gave out', async () => {
  for (const after of ['x', 'bm90IGFuIGlk', Buffer.from(JSON.stringify(randomUUID())).toString('base64url')]) {
    await expect(history.listOrders({ accountId, limit: 20, after })).rejects.toMatchObject({ code: 'bad-cursor' });
  }
});

test('keeps totals beyond 32 bits', async () => {
  await inSession(async () => {
    const id = await orderAt(Date.now());
    expect(await history.getOrder({ accountId, id })).toMatchObject({ totalCents: 5_000_000_000 });
  });
});

test('does not find the order of another account', async () => {
  await inSession(async () => {
    const { order } = await place();
    const stranger = orders.accountOn(0);
    await expect(history.getOrder({ accountId: stranger, id: order.id })).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('does not find ids that no order can have', async () => {
  for (const id of [randomUUID(), newOrderId(), 'ffffffff-ffff-7fff-bfff-ffffffffffff', '00000000-0000-0000-0000-000000000000']) {
    await expect(history.getOrder({ accountId, id })).rejects.toMatchObject({ code: 'not-found' });
  }
});
