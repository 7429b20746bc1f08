import { cursor, pageLimit } from '@tenfold/contracts';
import { z } from 'zod';

/** A whole number as it stands in a URL; anything else is left as it is, for the schema to refuse. */
export function integerOfText(text: unknown): unknown {
  return typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : text;
}

/** The query of every list: which page, and how long. */
export const pageQuery = z.strictObject({
  limit: z.preprocess(integerOfText, pageLimit).optional().meta({ description: 'Items per page. Default 20.' }),
  after: cursor.optional().meta({ description: '`next` of the page before' }),
});
export type PageQuery = z.output<typeof pageQuery>;
