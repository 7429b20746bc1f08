import { defineCalls } from '@tenfold/contracts';
import { z } from 'zod';

const line = z.strictObject({
  productId: z.int().min(1),
  name: z.string().max(200),
  categoryId: z.int().min(1),
  quantity: z.int().min(1).max(99),
  priceCents: z.int().min(0),
});

/** An order as the shop has it; with seven lines it is 1 KB of JSON. */
export const order = z.strictObject({
  id: z.uuid(),
  accountId: z.uuid(),
  status: z.enum(['confirmed', 'cancelled']),
  totalCents: z.int().min(0),
  lines: z.array(line).max(50),
  createdAt: z.iso.datetime(),
});
export type Order = z.output<typeof order>;

const orders = z.strictObject({ items: z.array(order).max(100) });

/** What every side of the comparison answers: the order that came, counted; and a hundred of them at once. */
export const benchCalls = defineCalls('bench', {
  place: { request: order, response: order, errors: [], idempotent: true, deadlineMs: 60_000 },
  placeAll: { request: orders, response: orders, errors: [], idempotent: true, deadlineMs: 60_000, maxRequestBytes: 1_000_000 },
});

export function orderOf(number: number): Order {
  const lines = Array.from({ length: 7 }, (_, index) => ({
    productId: 1000 * (index + 1) + (number % 1000),
    name: `Walnut desk lamp with a linen shade no. ${number % 100}`,
    categoryId: index + 1,
    quantity: 1 + (index % 3),
    priceCents: 4900 + 100 * index,
  }));
  return {
    id: `018f3c5e-7d1a-7b3c-9e4f-${String(number % 1e9).padStart(12, '0')}`,
    accountId: '018f3c5e-7d1a-7b3c-9e4f-0a1b2c3d4e5f',
    status: 'confirmed',
    totalCents: lines.reduce((sum, { priceCents, quantity }) => sum + priceCents * quantity, 0),
    lines,
    createdAt: '2026-11-22T10:00:00.000Z',
  };
}
