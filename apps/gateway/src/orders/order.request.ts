import { hash } from 'node:crypto';
import { itemQuantity, orderMonth, uuid } from '@tenfold/contracts';
import { z } from 'zod';

/** What to order; without `items` it is the cart. */
export const newOrder = z
  .strictObject({
    items: z
      .array(itemQuantity)
      .min(1)
      .max(50)
      .refine((items) => new Set(items.map((item) => item.productId)).size === items.length, 'names a product twice')
      .optional(),
  })
  .default({});
export type NewOrder = z.output<typeof newOrder>;

export const namedOrder = z.strictObject({ id: uuid });

export const namedMonth = z.strictObject({ month: orderMonth });

/** What tells two orders under one key apart: the request as it was sent, whatever the cart holds by now. */
export function bodyHashOf(order: NewOrder): string {
  return hash('sha256', JSON.stringify(order.items?.map(({ productId, quantity }) => [productId, quantity]) ?? 'cart'));
}
