import type { z } from 'zod';
import { DatabaseError } from './database.error.ts';

/** One page of a list; `next` is null on the last. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** The sort values of the last row of a page as opaque text: JSON in base64url. Not secret, so put in no secrets. */
export function encodeCursor(values: unknown): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/**
 * Reads a cursor that a client sent back.
 *
 * @param schema what the list's cursors hold; whatever else a client makes up is refused
 * @throws DatabaseError `bad-cursor`
 */
export function decodeCursor<Schema extends z.ZodType>(text: string, schema: Schema): z.output<Schema> {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (cause) {
    throw new DatabaseError('bad-cursor', 'not a cursor of this list', { cause });
  }
  const result = schema.safeParse(values);
  if (!result.success) throw new DatabaseError('bad-cursor', 'not a cursor of this list', { cause: result.error });
  return result.data;
}

/**
 * Cuts a page from rows that were read with `LIMIT limit + 1`: the row too many tells that there is a next page, which
 * saves counting.
 *
 * @param cursorOf the sort values of a row, including a unique one
 */
export function pageFrom<Row>(rows: readonly Row[], limit: number, cursorOf: (row: Row) => unknown): Page<Row> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null };
}
