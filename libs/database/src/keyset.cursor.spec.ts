import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor, pageFrom } from './keyset.cursor.ts';

const schema = z.tuple([z.string(), z.int()]);

describe('a cursor', () => {
  test('comes back as it was', () => {
    expect(decodeCursor(encodeCursor(['Über/+', 7]), schema)).toEqual(['Über/+', 7]);
  });

  test.each([
    ['no JSON', 'bm90IGpzb24'],
    ['another list’s cursor', encodeCursor({ id: 7 })],
    ['a wrong type', encodeCursor(['a', '7'])],
    ['SQL', `' OR 1=1 --`],
    ['nothing', ''],
  ])('made of %s is refused', (_, text) => {
    expect(() => decodeCursor(text, schema)).toThrow(expect.objectContaining({ code: 'bad-cursor' }));
  });
});

describe('a page', () => {
  test('cut from one row more than the limit has a next page', () => {
    const page = pageFrom([1, 2, 3], 2, (row) => row);
    expect(page).toEqual({ items: [1, 2], next: encodeCursor(2) });
  });

  test('cut from as many rows as the limit is the last', () => {
    expect(pageFrom([1, 2], 2, (row) => row)).toEqual({ items: [1, 2], next: null });
  });

  test('of nothing is the last', () => {
    expect(pageFrom([], 2, (row) => row)).toEqual({ items: [], next: null });
  });
});
