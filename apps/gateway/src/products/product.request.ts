import { cursor, integerId, pageLimit, productFilter } from '@tenfold/contracts';
import { z } from 'zod';
import { integerOfText } from '../pages/page.query.ts';

const idsOfText = (text: unknown): unknown => (typeof text === 'string' ? text.split(',').map(integerOfText) : text);

export const namedProduct = z.strictObject({ id: z.preprocess(integerOfText, integerId) });

/** Either a page of the catalog or the products of given ids. */
export const productQuery = z
  .strictObject({
    q: productFilter.shape.q,
    category: z.preprocess(integerOfText, integerId).optional(),
    sort: productFilter.shape.sort.meta({ description: 'Default `created`: when a product came into the catalog' }),
    direction: productFilter.shape.direction.meta({ description: 'Default `asc`; the newest first is `sort=created&direction=desc`' }),
    limit: z.preprocess(integerOfText, pageLimit).optional().meta({ description: 'Products per page. Default 20.' }),
    after: cursor.optional().meta({ description: '`next` of the page before, with the same filters, sort and direction' }),
    ids: z.preprocess(idsOfText, z.array(integerId).min(1).max(100)).optional().meta({ description: 'Ids with commas between; stands alone' }),
  })
  .refine((query) => query.ids === undefined || Object.keys(query).length === 1, {
    path: ['ids'],
    message: 'cannot be combined with other parameters',
  });
export type ProductQuery = z.output<typeof productQuery>;
