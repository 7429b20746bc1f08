import { copyRow, copyRows } from './copy.ts';
import { ordersOf, priceList } from './order.ts';
import { kinds } from './product.ts';
import type { SeedSize, ServiceSeed } from './service-seed.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const workerSeed: ServiceSeed = {
  service: 'worker',
  tables: ['sales_by_day', 'sales_by_hour'],
  async write(client, size) {
    await copyRows(client, 'sales_by_hour (hour, product_id, category_id, orders, units, revenue_cents)', hourRows(size));
    return copyRows(client, 'sales_by_day (day, category_id, orders, units, revenue_cents)', salesRows(size));
  },
};

/** The seeded orders, made once more and summed by day (UTC) and category, as the projection would have. */
export function* salesRows(size: SeedSize): Generator<string> {
  const { products, from, until } = size;
  const firstDay = Math.floor(from.getTime() / DAY_MS);
  const days = Math.floor(until.getTime() / DAY_MS) - firstDay + 1;
  const orders = new Float64Array(days * kinds.length);
  const units = new Float64Array(orders.length);
  const revenue = new Float64Array(orders.length);
  const { categoryIds, prices } = priceList(products);

  for (const order of ordersOf(size)) {
    const day = (Math.floor(order.createdAt / DAY_MS) - firstDay) * kinds.length;
    const counted = new Set<number>();
    for (const { productId, quantity } of order.lines) {
      const cell = day + (categoryIds[productId] ?? 1) - 1;
      if (!counted.has(cell)) add(orders, cell, 1);
      counted.add(cell);
      add(units, cell, quantity);
      add(revenue, cell, quantity * (prices[productId] ?? 0));
    }
  }

  for (const [cell, count] of orders.entries()) {
    if (count === 0) continue;
    const day = new Date((firstDay + Math.floor(cell / kinds.length)) * DAY_MS).toISOString().slice(0, 10);
    yield copyRow(day, (cell % kinds.length) + 1, count, units[cell] ?? 0, revenue[cell] ?? 0);
  }
}

/** The same by hour (UTC) and product. Orders come oldest first, so one hour at a time is kept. */
export function* hourRows(size: SeedSize): Generator<string> {
  const { categoryIds, prices } = priceList(size.products);
  let hour = 0;
  let sums = new Map<number, { orders: number; units: number }>();
  for (const order of ordersOf(size)) {
    const hourOfOrder = Math.floor(order.createdAt / HOUR_MS);
    if (hourOfOrder !== hour) {
      yield* rowsOf(hour, sums, categoryIds, prices);
      hour = hourOfOrder;
      sums = new Map();
    }
    for (const { productId, quantity } of order.lines) {
      const sum = sums.get(productId) ?? { orders: 0, units: 0 };
      sums.set(productId, { orders: sum.orders + 1, units: sum.units + quantity });
    }
  }
  yield* rowsOf(hour, sums, categoryIds, prices);
}

function* rowsOf(hour: number, sums: Map<number, { orders: number; units: number }>, categoryIds: Int32Array, prices: Int32Array): Generator<string> {
  const time = new Date(hour * HOUR_MS).toISOString().slice(0, 16);
  for (const [productId, { orders, units }] of sums) {
    yield copyRow(time, productId, categoryIds[productId] ?? 1, orders, units, units * (prices[productId] ?? 0));
  }
}

function add(sums: Float64Array, cell: number, amount: number): void {
  sums[cell] = (sums[cell] ?? 0) + amount;
}
