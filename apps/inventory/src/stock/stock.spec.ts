import { randomInt, randomUUID } from 'node:crypto';
import { Database } from '@tenfold/database';
import { createContext, registry, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInventory } from '../inventory.fixture.ts';
import type { InventoryFixture } from '../inventory.fixture.ts';
import { ReservationHandler } from '../reservation/reservation.handler.ts';
import { StockDisplay } from './stock.display.ts';
import { StockHandler } from './stock.handler.ts';
import { StockRepository } from './stock.repository.ts';

let inventory: InventoryFixture;
let stock: StockHandler;

beforeAll(async () => {
  inventory = await startInventory();
  stock = inventory.app.get(StockHandler);
});
afterAll(() => inventory.close());

const inOneSession = <Result>(run: () => Promise<Result>) => runInContext(createContext(), run);

test('a delivery adds to the stock of a product', () =>
  inOneSession(async () => {
    await stock.restock({ productId: 1, quantity: 5, deliveryId: randomUUID() });
    const after = await stock.restock({ productId: 1, quantity: 7, deliveryId: randomUUID() });
    expect(after).toEqual({ productId: 1, available: 12, reserved: 0, version: 2 });
    expect(await stock.getStock({ productIds: [1] })).toEqual({ items: [after] });
  }));

test('the same delivery again adds nothing', async () => {
  const delivery = { productId: 2, quantity: 5, deliveryId: randomUUID() };
  const first = await stock.restock(delivery);
  expect(await stock.restock(delivery)).toEqual(first);
});

test('the same delivery at the same instant adds once', async () => {
  const delivery = { productId: 3, quantity: 5, deliveryId: randomUUID() };
  const answers = await Promise.all(Array.from({ length: 8 }, () => stock.restock(delivery)));
  expect(new Set(answers.map(({ available }) => available))).toEqual(new Set([5]));
});

test('one delivery may hold several products', async () => {
  const deliveryId = randomUUID();
  await stock.restock({ productId: 4, quantity: 1, deliveryId });
  expect(await stock.restock({ productId: 5, quantity: 1, deliveryId })).toMatchObject({ available: 1 });
});

test('stock is answered once for each product asked for, and unknown products have none', async () => {
  const { items } = await stock.getStock({ productIds: [900, 901, 900] });
  expect(items).toEqual([
    { productId: 900, available: 0, reserved: 0, version: 0 },
    { productId: 901, available: 0, reserved: 0, version: 0 },
  ]);
});

test('a snapshot is made anew from the events', () =>
  inOneSession(async () => {
    const before = await stock.restock({ productId: 6, quantity: 5, deliveryId: randomUUID() });
    await inventory.app
      .get(Database)
      .write((tx) => tx.query('update stock_snapshots set available = 99, reserved = 3, version = 17 where product_id = 6'));
    await inventory.app.get(StockRepository).rebuild(6);
    expect(await stock.getStock({ productIds: [6] })).toEqual({ items: [before] });
  }));

test('a delivery shows at once, and what was shown before does not come back', async () => {
  const cached = await startInventory({ CACHE_OFF: '' });
  const [handler, productId] = [cached.app.get(StockHandler), randomInt(1_000_000, 2_000_000_000)];
  const shown = () => handler.getStock({ productIds: [productId] });
  await inOneSession(async () => {
    expect(await shown()).toMatchObject({ items: [{ available: 0 }] });
    const after = await handler.restock({ productId, quantity: 5, deliveryId: randomUUID() });
    expect(await shown()).toEqual({ items: [after] });
    await cached.app.get(StockDisplay).write({ ...after, available: 1, version: 0 });
    expect(await shown()).toEqual({ items: [after] });
  });
  await cached.close();
});

test('what orders take and give back shows at once, alone and together', async () => {
  const cached = await startInventory({ CACHE_OFF: '' });
  const [handler, reservations] = [cached.app.get(StockHandler), cached.app.get(ReservationHandler)];
  const productId = randomInt(1_000_000, 2_000_000_000);
  const shown = async () => (await handler.getStock({ productIds: [productId] })).items[0];
  await inOneSession(async () => {
    await handler.restock({ productId, quantity: 50, deliveryId: randomUUID() });
    const before = await displayLoads();
    const orderId = randomUUID();
    await reservations.reserve({ orderId, items: [{ productId, quantity: 2 }] });
    await expect.poll(shown, { timeout: 1_000 }).toMatchObject({ available: 48, reserved: 2, version: 2 });
    await Promise.all(Array.from({ length: 5 }, () => reservations.reserve({ orderId: randomUUID(), items: [{ productId, quantity: 1 }] })));
    await expect.poll(shown, { timeout: 1_000 }).toMatchObject({ available: 43, reserved: 7, version: 7 });
    await reservations.release({ orderId });
    await expect.poll(shown, { timeout: 1_000 }).toMatchObject({ available: 45, reserved: 5, version: 8 });
    // Shown by what was written, not by what was looked up again.
    expect(await displayLoads()).toBe(before);
  });
  await cached.close();
});

/** How often the display has asked the database. */
async function displayLoads(): Promise<number> {
  const metric = await registry.getSingleMetric('cache_requests_total')?.get();
  return metric?.values.find(({ labels }) => labels['cache'] === 'stock' && labels['outcome'] === 'load')?.value ?? 0;
}
