import { randomUUID } from 'node:crypto';
import type { ItemQuantity } from '@tenfold/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createdAtOf } from '../order/order.id.ts';
import { startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { CheckoutHandler } from './checkout.handler.ts';
import { CheckoutReconciler } from './checkout.reconciler.ts';

let orders: OrdersFixture;
let checkout: CheckoutHandler;
let accountId: string;

beforeAll(async () => {
  orders = await startOrders();
  checkout = orders.module.get(CheckoutHandler);
});
afterAll(() => orders.close());
beforeEach(() => {
  accountId = orders.accountOn(0);
  orders.inventory.reset();
});

const lamps: ItemQuantity[] = [{ productId: 1, quantity: 2 }];

function requestOf(values: { items?: ItemQuantity[]; bodyHash?: string; accountId?: string } = {}) {
  return { accountId, idempotencyKey: randomUUID(), bodyHash: 'hash of the body', items: lamps, ...values };
}

async function countOrders(): Promise<number> {
  const [row] = await orders.query<{ count: number }>(accountId, 'select count(*)::int from orders where account_id = $1', [accountId]);
  return row?.count ?? -1;
}

/** Makes the transaction that places an order fail at its very end, until the returned function is called. */
async function failCommits(): Promise<() => Promise<unknown>> {
  await orders.query(
    accountId,
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused by the test'; end $$;
     create constraint trigger refuse after insert on outbox initially deferred for each row execute function refuse()`,
  );
  return () => orders.query(accountId, 'drop function refuse cascade');
}

test('places an order with the prices of the catalog', async () => {
  const { order, replayed } = await checkout.placeOrder(requestOf({ items: [...lamps, { productId: 2, quantity: 1 }] }));
  expect(replayed).toBe(false);
  expect(order).toMatchObject({
    accountId,
    status: 'awaiting-payment',
    totalCents: 2 * 1999 + 350,
    lines: [
      { productId: 1, name: 'Product 1', categoryId: 1, quantity: 2, priceCents: 1999 },
      { productId: 2, name: 'Product 2', categoryId: 2, quantity: 1, priceCents: 350 },
    ],
  });
  expect(orders.inventory.reserved.get(order.id)).toEqual([...lamps, { productId: 2, quantity: 1 }]);
});

test('keeps an order in the shard of its account, in the partition of its month', async () => {
  for (const shard of [0, 1]) {
    accountId = orders.accountOn(shard);
    const { order } = await checkout.placeOrder(requestOf());
    const rows = await orders.query<{ partition: string }>(
      accountId,
      'select tableoid::regclass::text as partition from orders where id = $1',
      [order.id],
    );
    const [year, month] = order.createdAt.split('-');
    expect(rows).toEqual([{ partition: `orders_y${year}m${month}` }]);
  }
});

test('creates an order at the time within its id', async () => {
  const { order } = await checkout.placeOrder(requestOf());
  expect(createdAtOf(order.id)?.toISOString()).toBe(order.createdAt);
});

test('hands the job that has it paid to the relay with the order', async () => {
  const { order } = await checkout.placeOrder(requestOf());
  const sql = `select topic, key from outbox where payload::json->>'orderId' = $1 order by topic`;
  expect(await orders.query(accountId, sql, [order.id])).toEqual([
    { topic: 'orders.take-payment', key: order.id },
  ]);
});

test('gives the first answer again for the same key', async () => {
  const request = requestOf();
  const first = await checkout.placeOrder(request);
  expect(await checkout.placeOrder(request)).toEqual({ order: first.order, replayed: true });
  expect(await countOrders()).toBe(1);
});

test('gives the first answer again when the cart is empty by then', async () => {
  const request = requestOf();
  const first = await checkout.placeOrder(request);
  expect(await checkout.placeOrder({ ...request, items: [] })).toEqual({ order: first.order, replayed: true });
});

test('places one order for five requests with one key at the same instant', async () => {
  const request = requestOf();
  const answers = await Promise.all(Array.from({ length: 5 }, () => checkout.placeOrder(request)));
  expect(new Set(answers.map(({ order }) => JSON.stringify(order.id))).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await countOrders()).toBe(1);
  expect(orders.inventory.released.size).toBe(0);
});

test('refuses a key that came with another body', async () => {
  const request = requestOf();
  await checkout.placeOrder(request);
  const second = checkout.placeOrder({ ...request, bodyHash: 'hash of another body' });
  await expect(second).rejects.toMatchObject({ code: 'key-reused' });
  expect(await countOrders()).toBe(1);
});

test('takes one key of two accounts for two', async () => {
  const request = requestOf();
  const first = await checkout.placeOrder(request);
  const second = await checkout.placeOrder({ ...request, accountId: orders.accountOn(0) });
  expect(second.order.id).not.toBe(first.order.id);
});

test('refuses to order nothing', async () => {
  await expect(checkout.placeOrder(requestOf({ items: [] }))).rejects.toMatchObject({ code: 'nothing-to-order' });
});

test('refuses an unknown product and reserves nothing', async () => {
  const request = requestOf({ items: [...lamps, { productId: 3, quantity: 1 }] });
  await expect(checkout.placeOrder(request)).rejects.toMatchObject({ code: 'unknown-product' });
  expect(orders.inventory.reserved.size).toBe(0);
  expect(await countOrders()).toBe(0);
});

test('lets a key that was refused for lack of stock try again with what the cart holds then', async () => {
  orders.inventory.available = 1;
  const request = requestOf();
  await expect(checkout.placeOrder(request)).rejects.toMatchObject({ code: 'out-of-stock' });
  expect(await countOrders()).toBe(0);

  const { order, replayed } = await checkout.placeOrder({ ...request, items: [{ productId: 1, quantity: 1 }] });
  expect(replayed).toBe(false);
  expect(order.lines).toMatchObject([{ productId: 1, quantity: 1 }]);
});

test('carries on with the same order after an attempt that died between claim and order', async () => {
  const request = requestOf();
  orders.inventory.after = () => {
    throw new Error('the answer is lost');
  };
  await expect(checkout.placeOrder(request)).rejects.toMatchObject({ code: 'internal' });
  expect(await countOrders()).toBe(0);
  const [claimed] = [...orders.inventory.reserved.keys()];

  orders.inventory.after = () => undefined;
  // The cart changed meanwhile; the items are those of the claim.
  const { order } = await checkout.placeOrder({ ...request, items: [{ productId: 2, quantity: 7 }] });
  expect(order.id).toBe(claimed);
  expect(order.lines).toMatchObject(lamps);
});

test('leaves nothing behind when the order cannot be committed', async () => {
  const request = requestOf();
  const heal = await failCommits();
  await expect(checkout.placeOrder(request)).rejects.toThrow('refused by the test');
  await heal();

  expect(await countOrders()).toBe(0);
  const sql = `select topic from outbox where payload::json->>'accountId' = $1`;
  expect(await orders.query(accountId, sql, [accountId])).toEqual([]);
  expect(orders.inventory.reserved.size).toBe(0);
  expect(orders.inventory.released.size).toBe(1);
});

test('places a new order under a key whose first one could not be committed', async () => {
  const request = requestOf();
  const heal = await failCommits();
  await expect(checkout.placeOrder(request)).rejects.toThrow('refused by the test');
  await heal();
  const { order, replayed } = await checkout.placeOrder(request);
  expect(replayed).toBe(false);
  expect(orders.inventory.released).not.toContain(order.id);
  expect(await countOrders()).toBe(1);
});

test('keeps no stock for a claim that another attempt gave up', async () => {
  const request = requestOf();
  const reserving = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  orders.inventory.before = () => {
    orders.inventory.before = () => undefined;
    reserving.resolve();
    return goOn.promise;
  };
  const slow = checkout.placeOrder(request);
  await reserving.promise;
  orders.inventory.available = 1;
  await expect(checkout.placeOrder(request)).rejects.toMatchObject({ code: 'out-of-stock' });

  orders.inventory.available = Infinity;
  goOn.resolve();
  const { order } = await slow;
  expect([...orders.inventory.reserved.keys()]).toEqual([order.id]);
  expect(await countOrders()).toBe(1);
});

describe('the reconciler', () => {
  const stateOf = async (key: string) => {
    const [row] = await orders.query<{ state: string }>(accountId, 'select state from idempotency_keys where account_id = $1 and key = $2', [accountId, key]);
    return row?.state;
  };
  const endStuck = () => orders.module.get(CheckoutReconciler).endStuck(0);

  // What other tests left under way.
  beforeEach(endStuck);

  test('gives back the stock of a checkout that nobody carried on, and the key can be used again', async () => {
    const request = requestOf();
    orders.inventory.after = () => {
      throw new Error('the process died');
    };
    await expect(checkout.placeOrder(request)).rejects.toMatchObject({ code: 'internal' });
    expect(orders.inventory.reserved.size).toBe(1);
    orders.inventory.after = () => undefined;

    expect(await endStuck()).toBe(1);
    expect(orders.inventory.reserved.size).toBe(0);
    expect(await stateOf(request.idempotencyKey)).toBe('refused');
    const { order } = await checkout.placeOrder(request);
    expect([...orders.inventory.reserved.keys()]).toEqual([order.id]);
  });

  test('finishes what was given up while inventory could not be reached', async () => {
    const request = requestOf();
    const heal = await failCommits();
    orders.inventory.beforeRelease = () => {
      throw new Error('inventory is away');
    };
    await expect(checkout.placeOrder(request)).rejects.toThrow('refused by the test');
    await heal();
    expect(await stateOf(request.idempotencyKey)).toBe('releasing');
    expect(orders.inventory.reserved.size).toBe(1);
    expect(await endStuck()).toBe(0);

    orders.inventory.beforeRelease = () => undefined;
    expect(await endStuck()).toBe(1);
    expect(orders.inventory.reserved.size).toBe(0);
    expect(await stateOf(request.idempotencyKey)).toBe('refused');
  });

  test('leaves a placed order alone', async () => {
    const request = requestOf();
    const { order } = await checkout.placeOrder(request);
    expect(await endStuck()).toBe(0);
    expect([...orders.inventory.reserved.keys()]).toEqual([order.id]);
    expect(await stateOf(request.idempotencyKey)).toBe('placed');
  });

  test('that comes between an attempt and its order wins, and the attempt begins anew', async () => {
    const request = requestOf();
    let once = true;
    orders.inventory.after = async () => {
      if (once) {
        once = false;
        await endStuck();
      }
    };
    const { order } = await checkout.placeOrder(request);
    expect([...orders.inventory.reserved.keys()]).toEqual([order.id]);
    expect(orders.inventory.released.size).toBe(1);
    expect(await countOrders()).toBe(1);
  });
});
