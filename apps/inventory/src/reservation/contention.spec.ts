import { randomUUID } from 'node:crypto';
import { Database } from '@tenfold/database';
import { CallError } from '@tenfold/rpc';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInventory } from '../inventory.fixture.ts';
import type { InventoryFixture } from '../inventory.fixture.ts';
import { StockHandler } from '../stock/stock.handler.ts';
import { StockRepository } from '../stock/stock.repository.ts';
import { ReservationHandler } from './reservation.handler.ts';

let inventory: InventoryFixture;
let reservations: ReservationHandler;
let stock: StockHandler;
let database: Database;

beforeAll(async () => {
  inventory = await startInventory();
  reservations = inventory.app.get(ReservationHandler);
  stock = inventory.app.get(StockHandler);
  database = inventory.app.get(Database);
});
afterAll(() => inventory.close());

const restock = (productId: number, quantity: number) => stock.restock({ productId, quantity, deliveryId: randomUUID() });

/** Answers `reserved`, or the code of the refusal. */
async function tryToReserve(orderId: string, productIds: readonly number[], quantity: number): Promise<string> {
  try {
    await reservations.reserve({ orderId, items: productIds.map((productId) => ({ productId, quantity })) });
    return 'reserved';
  } catch (error) {
    if (error instanceof CallError) return error.code;
    throw error;
  }
}

test('of a thousand buyers of the last ten pieces, ten get one', async () => {
  await restock(1, 10);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => tryToReserve(randomUUID(), [1], 1)));
  const counts = Map.groupBy(answers, (answer) => answer);
  expect([...counts].map(([answer, all]) => [answer, all.length]).sort()).toEqual([
    ['out-of-stock', 990],
    ['reserved', 10],
  ]);
  await runInContext(createContext(), async () => {
    await stock.restock({ productId: 1, quantity: 1, deliveryId: randomUUID() });
    expect(await stock.getStock({ productIds: [1] })).toMatchObject({ items: [{ available: 1, reserved: 10 }] });
  });
});

test('orders with the same products in different order do not lock each other out', async () => {
  for (const productId of [11, 12, 13]) await restock(productId, 1_000);
  const orders = [[11, 12, 13], [13, 12, 11], [12, 13, 11]];
  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, index) => tryToReserve(randomUUID(), orders[index % orders.length] ?? [], 1)),
  );
  expect(new Set(answers)).toEqual(new Set(['reserved']));
});

test('an order that comes five times at once, among others, is reserved once', async () => {
  await restock(31, 100);
  const orderId = randomUUID();
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, () => tryToReserve(randomUUID(), [31], 1)),
    ...Array.from({ length: 5 }, () => tryToReserve(orderId, [31], 2)),
    tryToReserve(orderId, [31], 3),
  ]);
  expect(answers).toEqual([...Array.from({ length: 25 }, () => 'reserved'), 'reserved-differently']);
  await reservations.release({ orderId });
  const levels = await database.write((tx) => tx.query<object[]>('select available, reserved from stock_snapshots where product_id = 31'));
  expect(levels).toEqual([{ available: 80, reserved: 20 }]);
});

test('a batch takes one transaction, whatever its size', async () => {
  await restock(32, 1000);
  const transactions = async () => {
    const rows = await database.write((tx) => tx.query<{ at: string }[]>(`select distinct at from stock_events where product_id = 32 and type = 'reserved'`));
    return rows.length;
  };
  await Promise.all(Array.from({ length: 200 }, () => tryToReserve(randomUUID(), [32], 1)));
  expect(await transactions()).toBeLessThan(5);
});

interface EventRow {
  product_id: number;
  version: number;
  type: 'restocked' | 'reserved' | 'released';
  quantity: number;
}

/** What the events of a product add up to, told independently of the code under test. */
function fold(events: readonly EventRow[]): { version: number; available: number; reserved: number } {
  const stock = { version: 0, available: 0, reserved: 0 };
  for (const { version, type, quantity } of events) {
    expect(version).toBe(stock.version + 1);
    stock.version = version;
    stock.available += type === 'reserved' ? -quantity : quantity;
    if (type === 'reserved') stock.reserved += quantity;
    if (type === 'released') stock.reserved -= quantity;
    expect(Math.min(stock.available, stock.reserved)).toBeGreaterThanOrEqual(0);
  }
  return stock;
}

test('snapshots are what the events add up to, whatever happened at once', async () => {
  const productIds = [21, 22, 23, 24, 25];
  for (const productId of productIds) await restock(productId, 20);
  // Chosen by an irrational step: each run the same, without a pattern that fits the sets of products.
  const choose = (index: number) => productIds.filter((_, place) => ((index * 0.618 + place * 0.382) % 1) < 0.5);
  const change = async (index: number) => {
    const orderId = randomUUID();
    const chosen = choose(index);
    await tryToReserve(orderId, chosen.length > 0 ? chosen : productIds, 1 + (index % 3));
    if (index % 2 === 0) await reservations.release({ orderId });
    if (index % 10 === 0) await restock(productIds[index % productIds.length] ?? 21, 3);
    if (index % 15 === 0) await inventory.app.get(StockRepository).rebuild(productIds[index % productIds.length] ?? 21);
  };
  // As many at once as may wait for a connection.
  await Promise.all(
    Array.from({ length: 40 }, async (_, lane) => {
      for (let index = lane; index < 120; index += 40) await change(index);
    }),
  );
  await database.write(async (tx) => {
    for (const productId of productIds) {
      const events = await tx.query<EventRow[]>('select * from stock_events where product_id = $1 order by version', [productId]);
      const [snapshot] = await tx.query<object[]>(
        'select version, available, reserved from stock_snapshots where product_id = $1',
        [productId],
      );
      expect(snapshot).toEqual(fold(events));
    }
    const [held] = await tx.query<{ held: number }[]>(
      `select sum(item.quantity)::int as held from reservations, jsonb_to_recordset(items) as item ("productId" int, quantity int)
       where state = 'reserved' and item."productId" = any($1)`,
      [productIds],
    );
    const [reserved] = await tx.query<{ reserved: number }[]>(
      'select sum(reserved)::int as reserved from stock_snapshots where product_id = any($1)',
      [productIds],
    );
    expect(held?.held).toBe(reserved?.reserved);
  });
});
