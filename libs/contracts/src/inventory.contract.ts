import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { integerId, itemQuantity, uuid } from './fields.contract.ts';

export const stock = z.strictObject({
  productId: integerId,
  available: z.int().min(0),
  reserved: z.int().min(0),
  /** Number of events behind these figures. */
  version: z.int().min(0),
});
export type Stock = z.output<typeof stock>;

export const inventoryCalls = defineCalls('inventory', {
  /** Unknown products are answered with nothing available. */
  getStock: {
    request: z.strictObject({ productIds: z.array(integerId).min(1).max(100) }),
    response: z.strictObject({ items: z.array(stock) }),
    errors: [],
    idempotent: true,
    statements: 1,
  },
  /** All of the order's items or none. The same order again changes nothing; with other items it is refused. */
  reserve: {
    priority: 'high',
    request: z.strictObject({ orderId: uuid, items: z.array(itemQuantity).min(1).max(50) }),
    response: z.strictObject({}),
    errors: ['out-of-stock', 'reserved-differently'],
    idempotent: true,
    statements: 4,
  },
  /** Gives back what the order reserved; nothing reserved is no error. */
  release: { priority: 'high', request: z.strictObject({ orderId: uuid }), response: z.strictObject({}), errors: [], idempotent: true, statements: 1 },
  restock: {
    request: z.strictObject({ productId: integerId, quantity: z.int().min(1).max(1_000_000), deliveryId: uuid }),
    response: stock,
    errors: [],
    idempotent: true,
    statements: 2,
  },
});
