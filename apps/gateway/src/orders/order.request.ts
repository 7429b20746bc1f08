import { hash } from 'node:crypto';
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { cursor, idempotencyKey, itemQuantity, pageLimit, uuid } from '@tenfold/contracts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../problems/problem.ts';
import { integerOfText } from '../products/product.request.ts';

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

export const orderQuery = z.strictObject({
  limit: z.preprocess(integerOfText, pageLimit).optional().meta({ description: 'Orders per page. Default 20.' }),
  after: cursor.optional().meta({ description: '`next` of the page before' }),
});

export const namedOrder = z.strictObject({ id: uuid });

/** What tells two orders under one key apart: the request as it was sent, whatever the cart holds by now. */
export function bodyHashOf(order: NewOrder): string {
  return hash('sha256', JSON.stringify(order.items?.map(({ productId, quantity }) => [productId, quantity]) ?? 'cart'));
}

/** The `Idempotency-Key` header; answers 400 without a usable one. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { headers } = context.switchToHttp().getRequest<FastifyRequest>();
  const key = idempotencyKey.safeParse(headers['idempotency-key']);
  if (key.success) return key.data;
  const detail = `required: ${key.error.issues[0]?.code === 'invalid_type' ? '8 to 128 printable characters without spaces' : key.error.issues[0]?.message}`;
  throw new Problem('invalid-request', undefined, { errors: [{ header: 'Idempotency-Key', detail }] });
});
