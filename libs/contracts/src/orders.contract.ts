import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { cursor, idempotencyKey, instant, integerId, itemQuantity, pageLimit, pageOf, priceCents, uuid } from './fields.contract.ts';
import { defineEvent, defineJob } from './message.contract.ts';

export const orderLine = z.strictObject({
  productId: integerId,
  name: z.string(),
  categoryId: integerId,
  quantity: z.int().min(1),
  priceCents,
});

export const order = z.strictObject({
  id: uuid,
  accountId: uuid,
  /**
   * `awaiting-payment`: placed, with its stock reserved. `confirmed`: paid. `cancelling`: not paid; its stock is on its way
   * back. `cancelled`: that has ended.
   */
  status: z.enum(['awaiting-payment', 'confirmed', 'cancelling', 'cancelled']),
  totalCents: z.int().min(0),
  lines: z.array(orderLine),
  createdAt: instant,
});
export type Order = z.output<typeof order>;

/** A place in the stream of all orders. */
const orderPlace = z.strictObject({ shard: z.int().min(0), orderId: uuid });

export const orderSummary = order.omit({ lines: true, accountId: true });
export type OrderSummary = z.output<typeof orderSummary>;

/** An order as a list of everybody's shows it. */
export const orderOfAccount = orderSummary.extend({ accountId: uuid });

/** A month, e.g. `2024-11`. */
export const orderMonth = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month such as 2024-11').meta({ example: '2024-11' });

/**
 * A page of an account's history; on the last one, the months of which orders of it are in the archive, latest first, and
 * how many. Absent when there are none.
 */
export const orderPage = pageOf(orderSummary).extend({
  archived: z.array(z.strictObject({ month: orderMonth, orders: z.int().min(1) })).optional(),
});
export type OrderPage = z.output<typeof orderPage>;

/** Why an order was not paid. */
export const unpaidReason = z.enum(['payment-declined', 'payment-timed-out']);
export type UnpaidReason = z.output<typeof unpaidReason>;

export const ordersCalls = defineCalls('orders', {
  /**
   * Places an order once per account and key. `replayed` tells that this is the first answer again.
   * `bodyHash` is of the request as the client sent it: the same key with another hash is `key-reused`.
   */
  placeOrder: {
    priority: 'high',
    request: z.strictObject({
      accountId: uuid,
      idempotencyKey,
      bodyHash: z.string().min(16).max(128),
      items: z.array(itemQuantity).max(50),
    }),
    response: z.strictObject({ order, replayed: z.boolean() }),
    errors: ['key-reused', 'out-of-stock', 'unknown-product', 'nothing-to-order'],
    idempotent: true,
    deadlineMs: 5000,
    // Three rounds under contention; undisturbed it takes nine.
    statements: 24,
  },
  listOrders: {
    request: z.strictObject({ accountId: uuid, limit: pageLimit.default(20), after: cursor.optional() }),
    response: orderPage,
    errors: ['bad-cursor'],
    idempotent: true,
    statements: 1,
  },
  /** Orders of all accounts, the latest first, as far as they are not in the archive. */
  listAllOrders: {
    priority: 'low',
    request: z.strictObject({ limit: pageLimit.default(20), after: cursor.optional() }),
    response: pageOf(orderOfAccount),
    errors: ['bad-cursor'],
    idempotent: true,
    // One for each shard.
    statements: 2,
  },
  /** The account's orders of a month out of the archive, the latest first; `not-found` when it has none there. Reads the month's file. */
  listArchivedOrders: {
    priority: 'low',
    request: z.strictObject({ accountId: uuid, month: orderMonth }),
    response: z.strictObject({ items: z.array(orderSummary) }),
    errors: ['not-found'],
    idempotent: true,
    deadlineMs: 10_000,
    statements: 1,
  },
  /** Another account's order is `not-found`. */
  getOrder: {
    request: z.strictObject({ accountId: uuid, id: uuid }),
    response: order,
    errors: ['not-found'],
    idempotent: true,
    statements: 2,
  },
  /**
   * All confirmed orders, shard by shard in the order of their ids, in parts: for whoever builds a projection anew. None
   * that was confirmed before the call is left out, unless a bucket is moved meanwhile.
   */
  streamOrders: {
    priority: 'low',
    stream: true,
    /** `after`: that of the last part, to go on behind it. */
    request: z.strictObject({ after: orderPlace.optional() }),
    /** `total`: how many there were at the start of the call, those before `after` included. */
    response: z.strictObject({ items: z.array(order), after: orderPlace, total: z.int().min(0) }),
    errors: [],
    idempotent: true,
    deadlineMs: 3_600_000,
  },
  /** What became of payments. An order that is settled already stays as it is. */
  settlePayments: {
    request: z.strictObject({
      payments: z
        .array(z.strictObject({ accountId: uuid, orderId: uuid, outcome: z.enum(['accepted', 'declined', 'unanswered']) }))
        .min(1)
        .max(50),
    }),
    response: z.strictObject({}),
    errors: [],
    idempotent: true,
    deadlineMs: 10_000,
    // Six for each that is not paid; those that are share eight in each shard.
    statements: 300,
  },
  /** Gives the stock of an order that is `cancelling` back; then it is `cancelled`, and its customer is told. */
  cancelOrder: {
    request: z.strictObject({ accountId: uuid, orderId: uuid, reason: unpaidReason }),
    response: z.strictObject({ status: order.shape.status }),
    errors: ['not-found'],
    idempotent: true,
    deadlineMs: 10_000,
    statements: 8,
  },
  /** Moves the months that are old enough into the object store, and tells of each one that is there; none where nothing is archived. */
  archiveOrders: {
    priority: 'low',
    stream: true,
    request: z.strictObject({}),
    response: z.strictObject({ shard: z.string(), month: orderMonth, rows: z.int().min(0) }),
    errors: [],
    idempotent: true,
    deadlineMs: 3_600_000,
  },
  /** Makes the monthly partitions ahead of their month. */
  ensurePartitions: {
    request: z.strictObject({ monthsAhead: z.int().min(1).max(24).default(3) }),
    response: z.strictObject({ created: z.array(z.string()) }),
    errors: [],
    idempotent: true,
    deadlineMs: 10_000,
    // For 24 months: two for each partition made on each shard.
    statements: 106,
  },
});

/** Has an order paid that is placed and reserved. */
export const takePayment = defineJob({
  topic: 'orders.take-payment',
  payload: z.strictObject({ orderId: uuid, accountId: uuid, amountCents: z.int().min(0) }),
  key: (payload) => payload.orderId,
  retryDelaysMs: [1_000, 5_000, 15_000],
  priority: 'high',
});

/** Takes back what was done for an order that is not paid: the payment, should it have come after all, and the stock. */
export const compensateOrder = defineJob({
  topic: 'orders.compensate-order',
  payload: z.strictObject({ orderId: uuid, accountId: uuid, reason: unpaidReason }),
  key: (payload) => payload.orderId,
  retryDelaysMs: [1_000, 10_000, 60_000, 300_000],
});

/** Mails that an order was cancelled. */
export const sendCancellation = defineJob({
  topic: 'orders.send-cancellation',
  payload: z.strictObject({ orderId: uuid, accountId: uuid, reason: unpaidReason }),
  key: (payload) => payload.orderId,
});

/** Mails the receipt of an order. The address is looked up when the mail is sent, so none is kept in Kafka. */
export const sendReceipt = defineJob({
  topic: 'orders.send-receipt',
  payload: z.strictObject({
    orderId: uuid,
    accountId: uuid,
    totalCents: z.int(),
    lines: z.array(orderLine),
    createdAt: instant,
  }),
  key: (payload) => payload.orderId,
});

/** An order was confirmed; the sales projection adds it up. */
export const orderPlaced = defineEvent({
  topic: 'orders.order-placed',
  payload: z.strictObject({
    orderId: uuid,
    accountId: uuid,
    totalCents: z.int(),
    lines: z.array(orderLine),
    createdAt: instant,
  }),
  key: (payload) => payload.accountId,
});
