import { randomUUID } from 'node:crypto';
import type { ItemQuantity, Stock } from '@tenfold/contracts';
import { createContext, runInContext } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startInventory } from '../inventory.fixture.ts';
import type { InventoryFixture } from '../inventory.fixture.ts';
import { StockHandler } from '../stock/stock.handler.ts';
import { ReservationHandler } from './reservation.handler.ts';

let inventory: InventoryFixture;
let reservations: ReservationHandler;
let stock: StockHandler;
let first = 0;
let second = 0;
let session: RequestContext;

beforeAll(async () => {
  inventory = await startInventory();
  reservations = inventory.app.get(ReservationHandler);
  stock = inventory.app.get(StockHandler);
});
afterAll(() => inventory.close());

/** Two products with ten pieces each, for every test its own. */
beforeEach(async () => {
  first += 10;
  second = first + 1;
  session = createContext();
  await runInContext(session, async () => {
    for (const productId of [first, second]) await stock.restock({ productId, quantity: 10, deliveryId: randomUUID() });
  });
});

const item = (productId: number, quantity: number): ItemQuantity => ({ productId, quantity });

/** Runs `change`, then reads what it did. */
function stockAfter(change: () => Promise<unknown>): Promise<Pick<Stock, 'available' | 'reserved'>[]> {
  return runInContext(session, async () => {
    await change();
    const { items } = await stock.getStock({ productIds: [first, second] });
    return items.map(({ available, reserved }) => ({ available, reserved }));
  });
}

const untouched = { available: 10, reserved: 0 };

test('reserves every item of an order', async () => {
  const items = [item(second, 3), item(first, 2)];
  expect(await stockAfter(() => reservations.reserve({ orderId: randomUUID(), items }))).toEqual([
    { available: 8, reserved: 2 },
    { available: 7, reserved: 3 },
  ]);
});

test('adds up a product that is named twice', async () => {
  const items = [item(first, 2), item(first, 3)];
  expect(await stockAfter(() => reservations.reserve({ orderId: randomUUID(), items }))).toEqual([
    { available: 5, reserved: 5 },
    untouched,
  ]);
});

test('reserves nothing when one item is short', async () => {
  const reserve = () => reservations.reserve({ orderId: randomUUID(), items: [item(first, 2), item(second, 11)] });
  const refused = expect.objectContaining({ code: 'out-of-stock', message: `too little of product ${second}` });
  expect(await stockAfter(() => expect(reserve()).rejects.toEqual(refused))).toEqual([untouched, untouched]);
});

test('has nothing of an unknown product', async () => {
  const reserve = () => reservations.reserve({ orderId: randomUUID(), items: [item(first, 1), item(999_999, 1)] });
  expect(await stockAfter(() => expect(reserve()).rejects.toMatchObject({ code: 'out-of-stock' }))).toEqual([
    untouched,
    untouched,
  ]);
});

test('an order that found too little may try again', async () => {
  const order = { orderId: randomUUID(), items: [item(first, 12)] };
  await expect(reservations.reserve(order)).rejects.toMatchObject({ code: 'out-of-stock' });
  await stock.restock({ productId: first, quantity: 5, deliveryId: randomUUID() });
  expect(await stockAfter(() => reservations.reserve(order))).toEqual([{ available: 3, reserved: 12 }, untouched]);
});

test('the same order again reserves nothing more, in whatever order its items come', async () => {
  const orderId = randomUUID();
  await reservations.reserve({ orderId, items: [item(first, 2), item(second, 1)] });
  const again = () => reservations.reserve({ orderId, items: [item(second, 1), item(first, 1), item(first, 1)] });
  expect(await stockAfter(again)).toEqual([
    { available: 8, reserved: 2 },
    { available: 9, reserved: 1 },
  ]);
});

test('an order is the same whether its id is written in capitals or not', async () => {
  const orderId = randomUUID();
  const reserve = (id: string) => reservations.reserve({ orderId: id, items: [item(first, 2)] });
  expect(await stockAfter(() => Promise.all([reserve(orderId.toUpperCase()), reserve(orderId)]))).toEqual([{ available: 8, reserved: 2 }, untouched]);
});

test('the same order at the same instant reserves once', async () => {
  const order = { orderId: randomUUID(), items: [item(first, 2)] };
  const answers = await stockAfter(() => Promise.all(Array.from({ length: 8 }, () => reservations.reserve(order))));
  expect(answers).toEqual([{ available: 8, reserved: 2 }, untouched]);
});

test('the same order with other items is refused', async () => {
  const orderId = randomUUID();
  await reservations.reserve({ orderId, items: [item(first, 2)] });
  const other = () => reservations.reserve({ orderId, items: [item(first, 3)] });
  expect(await stockAfter(() => expect(other()).rejects.toMatchObject({ code: 'reserved-differently' }))).toEqual([
    { available: 8, reserved: 2 },
    untouched,
  ]);
});

test('release gives back once', async () => {
  const orderId = randomUUID();
  await reservations.reserve({ orderId, items: [item(first, 2), item(second, 3)] });
  const release = () => Promise.all(Array.from({ length: 4 }, () => reservations.release({ orderId })));
  expect(await stockAfter(release)).toEqual([untouched, untouched]);
});

test('release of an order that reserved nothing is no error', async () => {
  expect(await reservations.release({ orderId: randomUUID() })).toEqual({});
});

test('a reserve that comes after its release takes nothing', async () => {
  const orderId = randomUUID();
  await reservations.release({ orderId });
  const late = () => reservations.reserve({ orderId, items: [item(first, 2)] });
  expect(await stockAfter(() => expect(late()).rejects.toMatchObject({ code: 'reserved-differently' }))).toEqual([
    untouched,
    untouched,
  ]);
});
