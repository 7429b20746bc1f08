import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';
import { DatabaseError } from './database.error.ts';

/** One page of a list; `next` is null on the last. */
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

// 128 bits of the signature are beyond guessing, and keep cursors short.
const signatureBytes = 16;
const signatureLength = Math.ceil((signatureBytes * 4) / 3);

/**
 * The cursors of a service's keyset lists: the sort values of a page's last row, signed together with what list they are
 * of. A client can hand back only what this list, with these filters and this sort, has handed out. Not secret, so put
 * in no secrets.
 */
export class Cursors {
  // Not the bytes, of which Node makes a key each time, at seven times the cost of the signature.
  readonly #key: KeyObject;

  /** @param secret the same in every replica; a new one makes clients begin their lists anew */
  constructor(secret: string) {
    this.#key = createSecretKey(createHmac('sha256', secret).update('cursors of lists').digest());
  }

  /** @param list names the list with its sort and filters */
  encode(list: string, values: unknown): string {
    const payload = Buffer.from(JSON.stringify(values)).toString('base64url');
    return payload + this.#sign(list, payload);
  }

  /**
   * Reads a cursor that a client sent back.
   *
   * @param schema what the list's cursors hold
   * @throws DatabaseError `bad-cursor` for anything but a cursor of this very list
   */
  decode<Schema extends z.ZodType>(list: string, text: string, schema: Schema): z.output<Schema> {
    const payload = text.slice(0, -signatureLength);
    const given = Buffer.from(text.slice(-signatureLength));
    const expected = Buffer.from(this.#sign(list, payload));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new DatabaseError('bad-cursor', 'not a cursor of this list');
    // An earlier version may have signed it, with other values in it.
    const result = schema.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    if (!result.success) throw new DatabaseError('bad-cursor', 'not a cursor of this list', { cause: result.error });
    return result.data;
  }

  /**
   * Cuts a page from rows that were read with `LIMIT limit + 1`: the row too many tells that there is a next page, which
   * saves counting.
   *
   * @param valuesOf the sort values of a row, including a unique one
   */
  page<Row>(list: string, rows: readonly Row[], limit: number, valuesOf: (row: Row) => unknown): Page<Row> {
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last !== undefined ? this.encode(list, valuesOf(last)) : null };
  }

  #sign(list: string, payload: string): string {
    return createHmac('sha256', this.#key).update(`${list}\0${payload}`).digest().toString('base64url', 0, signatureBytes);
  }
}
