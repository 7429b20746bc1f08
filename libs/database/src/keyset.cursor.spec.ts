import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Cursors } from './keyset.cursor.ts';

const schema = z.tuple([z.string(), z.int()]);
const cursors = new Cursors('a secret of the tests');
const good = cursors.encode('notes by text', ['Über/+', 7]);
const badCursor = expect.objectContaining({ code: 'bad-cursor' }) as Error;

describe('a cursor', () => {
  test('comes back as it was, in every replica that has the secret', () => {
    expect(new Cursors('a secret of the tests').decode('notes by text', good, schema)).toEqual(['Über/+', 7]);
  });

  test.each([
    ['of another list, sort or filter', cursors.encode('notes by id', ['Über/+', 7])],
    ['signed with another secret', new Cursors('another').encode('notes by text', ['Über/+', 7])],
    ['without a signature', Buffer.from('["a",7]').toString('base64url')],
    ['with a changed value', `A${good.slice(1)}`],
    ['with a changed signature', `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`],
    ['that an earlier version made, with other values', cursors.encode('notes by text', { id: 7 })],
    ['of SQL', `' OR 1=1 --`],
    ['of characters beyond ASCII', 'ü'.repeat(40)],
    ['of nothing', ''],
  ])('%s is refused', (_, text) => {
    expect(() => cursors.decode('notes by text', text, schema)).toThrow(badCursor);
  });
});

describe('a page', () => {
  test('cut from one row more than the limit has a next page', () => {
    const page = cursors.page('numbers', [1, 2, 3], 2, (row) => row);
    expect(page).toEqual({ items: [1, 2], next: cursors.encode('numbers', 2) });
  });

  test('cut from as many rows as the limit is the last', () => {
    expect(cursors.page('numbers', [1, 2], 2, (row) => row)).toEqual({ items: [1, 2], next: null });
  });

  test('of nothing is the last', () => {
    expect(cursors.page('numbers', [], 2, (row) => row)).toEqual({ items: [], next: null });
  });
});
