import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { cursor, instant, integerId, pageLimit, pageOf, priceCents } from './fields.contract.ts';
import { defineEvent } from './message.contract.ts';

/** A product as lists show it. */
export const productSummary = z.strictObject({
  id: integerId,
  name: z.string(),
  categoryId: integerId,
  priceCents,
});
export type ProductSummary = z.output<typeof productSummary>;

/** A product as its own page shows it. `version` rises with every change. */
export const product = productSummary.extend({
  description: z.string(),
  version: z.int().min(1),
  updatedAt: instant,
});
export type Product = z.output<typeof product>;

/** What lists of products can be sorted by; `created` is when they came into the catalog. */
export const productSort = z.enum(['created', 'name', 'price']);
export const sortDirection = z.enum(['asc', 'desc']);

export const productFilter = z.strictObject({
  /** Words that name or description must hold. */
  q: z.string().trim().min(1).max(100).optional(),
  category: integerId.optional(),
  /** Default `created`. */
  sort: productSort.optional(),
  /** Default `asc`. */
  direction: sortDirection.optional(),
  limit: pageLimit.default(20),
  /** Of a page of the same filters, sort and direction. */
  after: cursor.optional(),
});

export const productChange = z
  .strictObject({
    name: z.string().trim().min(1).max(200),
    description: z.string().trim().max(4000),
    priceCents,
  })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'name at least one field to change');

export const category = z.strictObject({ id: integerId, name: z.string() });
export type Category = z.output<typeof category>;

export const catalogCalls = defineCalls('catalog', {
  /** All of them, by name. */
  listCategories: { request: z.strictObject({}), response: z.strictObject({ items: z.array(category) }), errors: [], idempotent: true, statements: 1 },
  listProducts: { priority: 'low', request: productFilter, response: pageOf(productSummary), errors: ['bad-cursor'], idempotent: true, statements: 4 },
  getProduct: { request: z.strictObject({ id: integerId }), response: product, errors: ['not-found'], idempotent: true, statements: 1 },
  /** Unknown ids are left out of the answer. */
  getProducts: {
    request: z.strictObject({ ids: z.array(integerId).min(1).max(100) }),
    response: z.strictObject({ items: z.array(product) }),
    errors: [],
    idempotent: true,
    statements: 1,
  },
  changeProduct: {
    request: z.strictObject({ id: integerId, change: productChange }),
    response: product,
    errors: ['not-found'],
    idempotent: false,
    statements: 4,
  },
});

/** A product has a new version; whoever keeps a copy forgets it. */
export const productChanged = defineEvent({
  topic: 'catalog.product-changed',
  payload: z.strictObject({ id: integerId, version: z.int(), priceCents, name: z.string() }),
  key: (payload) => String(payload.id),
});
