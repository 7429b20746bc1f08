import { pack, Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { decodePlain, encodePlain, NotPlainError } from './plain.messagepack.ts';

const allTypes = new Packr({ moreTypes: true });
const decode = (bytes: Buffer) => decodePlain(bytes, 0, bytes.length);

test.each([
  ['scalars', [null, true, false, 0, -1, 127, 128, 255, 256, 65_536, -32, -33, -129, -40_000, 2 ** 31, 2 ** 40, -(2 ** 40), 0.5]],
  ['texts of all lengths', ['', 'ä', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(300), '€'.repeat(70_000)]],
  ['lists of all lengths', [[], Array(15).fill(1), Array(16).fill(1), Array(70_000).fill(1)]],
  ['maps', { a: { b: { c: [] } }, ...Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key ${index}`, index])) }],
  ['a member that is undefined', { a: undefined, b: 1 }],
])('%s come back as they were', (_, value) => {
  const bytes = encodePlain(value, 9);

  expect(decodePlain(bytes, 9, bytes.length)).toEqual(value);
});

test.each([
  ['a date', pack(new Date())],
  ['a regular expression', allTypes.pack(/a/)],
  ['a set', allTypes.pack(new Set([1]))],
  ['an error', allTypes.pack(new Error('x'))],
  ['a typed array', allTypes.pack(new Float64Array(2))],
  ['a record', new Packr({ useRecords: true }).pack({ a: 1 })],
  ['a cycle', new Packr({ structuredClone: true }).pack(cyclic())],
  ['a million values', Buffer.concat([Buffer.of(0xdd, 0, 0x0f, 0x42, 0x40), Buffer.alloc(1_000_000, 0x90)])],
  ['33 lists in each other', Buffer.concat([Buffer.alloc(33, 0x91), Buffer.of(0)])],
  ['bytes after the value', Buffer.of(0x01, 0x01)],
  ['a text that ends too early', Buffer.of(0xa5, 0x61)],
  ['a length that ends too early', Buffer.of(0xdb, 0x00)],
])('%s is refused', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(NotPlainError);
});

test('a key that names the prototype changes no prototype', () => {
  const bytes = Buffer.concat([Buffer.of(0x81), pack('__proto__'), pack({ admin: true })]);

  expect((decode(bytes) as { admin?: boolean }).admin).toBeUndefined();
});

function cyclic(): object {
  const value: { self?: object } = {};
  value.self = value;
  return value;
}
