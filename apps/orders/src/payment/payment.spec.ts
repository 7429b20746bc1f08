import { randomUUID } from 'node:crypto';
import type { Order } from '@tenfold/contracts';
import { recordStatements } from '@tenfold/database/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CheckoutHandler } from '../checkout/checkout.handler.ts';
import { CheckoutReconciler } from '../checkout/checkout.reconciler.ts';
import { startOrders } from '../orders.fixture.ts';
import type { OrdersFixture } from '../orders.fixture.ts';
import { PaymentHandler } from './payment.handler.ts';

let orders: OrdersFixture;
let checkout: CheckoutHandler;
let payments: PaymentHandler;
let accountId: string;
const statements = recordStatements();

beforeAll(async () => {
  orders = await startOrders();
  checkout = orders.module.get(CheckoutHandler);
  payments = orders.module.get(PaymentHandler);
});
afterAll(async () => {
  await orders.close();
  statements.stop();
});
beforeEach(() => {
  accountId = orders.accountOn(1);
  orders.inventory.reset();
});

async function place(): Promise<Order> {
  const items = [{ productId: 1, quantity: 2 }];
  const { order } = await checkout.placeOrder({ accountId, idempotencyKey: randomUUID(), bodyHash: 'hash of the body', items });
  return order;
}

const settle = ({ id: orderId }: Order, ...outcomes: ('accepted' | 'declined' | 'unanswered')[]) =>
  payments.settlePayments({ payments: outcomes.map((outcome) => ({ accountId, orderId, outcome })) });

const cancel = ({ id: orderId }: Order) => payments.cancelOrder({ accountId, orderId, reason: 'payment-declined' });

async function stateOf({ id }: Order) {
  const [row] = await orders.query<{ status: string; unpaid: boolean }>(
    accountId,
    'select status, exists (select from unpaid_orders where order_id = id) as unpaid from orders where id = $1',
    [id],
  );
  return row;
}

async function messagesOf({ id }: Order): Promise<string[]> {
  const rows = await orders.query<{ topic: string }>(accountId, `select topic from outbox where payload::json->>'orderId' = $1 order by topic`, [id]);
  return rows.map(({ topic }) => topic);
}

test('an order that is placed awaits its payment, with a job that takes it', async () => {
  const order = await place();
  expect(await stateOf(order)).toEqual({ status: 'awaiting-payment', unpaid: true });
  expect(await messagesOf(order)).toEqual(['orders.take-payment']);
});

test('an order that is paid is confirmed, mailed and told of once, however often the answer comes', async () => {
  const order = await place();
  await Promise.all([settle(order, 'accepted', 'accepted'), settle(order, 'accepted')]);
  await settle(order, 'declined');
  expect(await stateOf(order)).toEqual({ status: 'confirmed', unpaid: false });
  expect(await messagesOf(order)).toEqual(['orders.order-placed', 'orders.send-receipt', 'orders.take-payment']);
  expect(await cancel(order)).toEqual({ status: 'confirmed' });
  expect(orders.inventory.reserved.has(order.id)).toBe(true);
});

test('orders that are paid at once are confirmed by one update in each shard, with two messages each', async () => {
  const accounts = [0, 1, 0, 1, 1].map((shard) => orders.accountOn(shard));
  const placed: Order[] = [];
  for (const account of accounts) {
    accountId = account;
    placed.push(await place());
  }
  statements.take();
  await payments.settlePayments({ payments: placed.map(({ id, accountId }) => ({ orderId: id, accountId, outcome: 'accepted' })) });
  const sent = statements.take().map(({ sql }) => sql);
  expect(sent.filter((sql) => sql.includes('update orders'))).toHaveLength(2);
  expect(sent.filter((sql) => sql.includes('INSERT INTO outbox'))).toHaveLength(4);
  for (const order of placed) {
    ({ accountId } = order);
    expect(await stateOf(order)).toEqual({ status: 'confirmed', unpaid: false });
    expect(await messagesOf(order)).toEqual(['orders.order-placed', 'orders.send-receipt', 'orders.take-payment']);
  }
});

test.each([
  ['declined', 'payment-declined'],
  ['unanswered', 'payment-timed-out'],
] as const)('an order whose payment is %s gives its stock back, and its customer is told', async (outcome, reason) => {
  const order = await place();
  await settle(order, outcome);
  expect(await stateOf(order)).toEqual({ status: 'cancelling', unpaid: true });
  expect(orders.inventory.reserved.has(order.id)).toBe(true);
  expect(await payments.cancelOrder({ accountId, orderId: order.id, reason })).toEqual({ status: 'cancelled' });
  expect(await stateOf(order)).toEqual({ status: 'cancelled', unpaid: false });
  expect(orders.inventory.reserved.has(order.id)).toBe(false);
  expect(await messagesOf(order)).toEqual(['orders.compensate-order', 'orders.send-cancellation', 'orders.take-payment']);
});

test('what is cancelled stays so, whatever comes late or twice', async () => {
  const order = await place();
  await settle(order, 'declined');
  await Promise.all([cancel(order), cancel(order), settle(order, 'accepted')]);
  await settle(order, 'accepted', 'declined');
  expect(await stateOf(order)).toEqual({ status: 'cancelled', unpaid: false });
  expect(await messagesOf(order)).toEqual(['orders.compensate-order', 'orders.send-cancellation', 'orders.take-payment']);
});

test('an order stays cancelling while inventory is away', async () => {
  const order = await place();
  await settle(order, 'declined');
  orders.inventory.beforeRelease = () => {
    throw new Error('inventory is away');
  };
  await expect(cancel(order)).rejects.toMatchObject({ code: 'internal' });
  expect(await stateOf(order)).toEqual({ status: 'cancelling', unpaid: true });
  orders.inventory.beforeRelease = () => undefined;
  expect(await cancel(order)).toEqual({ status: 'cancelled' });
});

test("another account's order cannot be cancelled", async () => {
  const order = await place();
  await settle(order, 'declined');
  const { id: orderId } = order;
  await expect(payments.cancelOrder({ accountId: randomUUID(), orderId, reason: 'payment-declined' })).rejects.toMatchObject({ code: 'not-found' });
});

describe('the reconciler', () => {
  const endUnpaid = (olderThanMs = 0) => orders.module.get(CheckoutReconciler).endUnpaid(olderThanMs);

  // What other tests left unpaid.
  beforeEach(() => orders.query(accountId, 'delete from unpaid_orders'));

  test('gives up an order that nobody had paid in time', async () => {
    const order = await place();
    expect(await endUnpaid(60_000)).toBe(0);
    await endUnpaid();
    expect(await stateOf(order)).toEqual({ status: 'cancelling', unpaid: true });
    expect(await messagesOf(order)).toEqual(['orders.compensate-order', 'orders.take-payment']);
    await settle(order, 'accepted');
    expect(await stateOf(order)).toMatchObject({ status: 'cancelling' });
  });

  test('has compensation go on that was lost on its way', async () => {
    const order = await place();
    await settle(order, 'declined');
    await endUnpaid();
    expect(await messagesOf(order)).toEqual(['orders.compensate-order', 'orders.compensate-order', 'orders.take-payment']);
  });

  test('leaves what is settled alone', async () => {
    const order = await place();
    await settle(order, 'accepted');
    await endUnpaid();
    expect(await stateOf(order)).toEqual({ status: 'confirmed', unpaid: false });
  });
});
