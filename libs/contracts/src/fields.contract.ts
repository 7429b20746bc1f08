import { z } from 'zod';

/** Positive 32-bit integer: the ids of products and categories. */
export const integerId = z.int().min(1).max(2_147_483_647);

export const uuid = z.uuid();

export const email = z.string().trim().toLowerCase().max(254).pipe(z.email());

/** What a client may send as `Idempotency-Key`. */
export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{8,128}$/, '8 to 128 printable characters without spaces');

/** Whole cents, up to a million. */
export const priceCents = z.int().min(0).max(100_000_000);

/** ISO 8601 in UTC, e.g. `2026-11-22T10:00:00.000Z`. */
export const instant = z.iso.datetime();

/**
 * Opaque position in a list, given out as `next`, in base64url. It holds what the list is sorted by: a name of 200
 * characters takes most, and one that is too long still fits into what a balancer takes for an address.
 */
export const cursor = z.string().min(1).max(1200).regex(/^[\w-]+$/);

/** Items per page. */
export const pageLimit = z.int().min(1).max(100);

/** One page of a list and where the next one begins; `next` is null on the last. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), next: cursor.nullable() });

/** A product and how many of it. */
export const itemQuantity = z.strictObject({ productId: integerId, quantity: z.int().min(1).max(99) });
export type ItemQuantity = z.output<typeof itemQuantity>;
