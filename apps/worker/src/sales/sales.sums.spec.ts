import { expect, test } from 'vitest';
import { categorySales, productSales } from './sales.sums.ts';
import type { SoldOrder } from './sales.sums.ts';

const order = (categoryId: number, quantity: number): SoldOrder => ({
  createdAt: '2001-01-01T10:20:30.000Z',
  lines: [{ productId: 1, name: 'Lamp', categoryId, quantity, priceCents: 100 }],
});

test('a product whose category changes in between is one row of its hour, and one of each category of the day', () => {
  const orders = [order(7, 1), order(8, 2), order(7, 3)];
  expect(productSales(orders)).toEqual([{ hour: '2001-01-01T10:00', productId: 1, categoryId: 7, orders: 3, units: 6, revenueCents: 600 }]);
  expect(categorySales(orders)).toEqual([
    { day: '2001-01-01', categoryId: 7, orders: 2, units: 4, revenueCents: 400 },
    { day: '2001-01-01', categoryId: 8, orders: 1, units: 2, revenueCents: 200 },
  ]);
});
