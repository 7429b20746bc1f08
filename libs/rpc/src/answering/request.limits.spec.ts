import * as contracts from '@tenfold/contracts';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { limitsOf } from './request.limits.ts';

const texts = ['', ' ', 'a', 'ab', 'abc', 'ABC', ' ab', '€', '😀', '😀😀', 'x'.repeat(5), 'x'.repeat(6), '2026-02-29', '2024-02-29', '2026-11-22T10:00:00.000Z', '018f3c5e-7d1a-7b3c-9e4f-0a1b2c3d4e5f', 'ada@example.com', 'Ada@Example.com'];
const numbers = [0, -0, 1, 2, 3, 4, -1, 1.5, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, Infinity, NaN];
const lists = [[], [1], [1, 2], [1, 2, 3], [1, 1.5], [1, Infinity]];
const objects = [{ a: 1 }, { a: 1, b: 'ab' }, { a: 1.5, b: 'ab' }, { a: 1, b: '' }, { a: 9, b: 'ab' }];

test.each<[string, z.ZodType, unknown[]]>([
  ['text', z.string(), texts],
  ['text of a length', z.string().min(1).max(5), texts],
  ['text of at least two characters', z.string().min(2), texts],
  ['text of at least four characters', z.string().min(4), texts],
  ['trimmed text', z.string().trim().min(1), texts],
  ['pattern', z.string().regex(/^a/), texts],
  ['date', z.iso.date(), texts],
  ['time', z.iso.datetime(), texts],
  ['identity', z.uuid(), texts],
  ['address in small letters', z.email().toLowerCase(), texts],
  ['number', z.number(), numbers],
  ['whole number', z.int(), numbers],
  ['number between', z.number().min(1).max(3), numbers],
  ['number strictly between', z.number().gt(1).lt(3), numbers],
  ['choice', z.enum(['a', 'b']), ['a', 'b']],
  ['list', z.array(z.int()).min(1).max(2), lists],
  ['object', z.strictObject({ a: z.int().max(5), b: z.string().min(1).optional() }), objects],
  ['nullable member', z.object({ a: z.string().min(2).nullable() }), [{ a: null }, { a: 'a' }, { a: 'ab' }]],
  ['member with a default', z.object({ a: z.int().default(1) }), [{}, { a: 1 }, { a: 1.5 }]],
  ['list of objects', z.array(z.object({ a: z.int().max(5) })), [objects.map(({ a }) => ({ a })), [{ a: 1 }], []]],
])('what fits the limits of a %s is what zod takes as it is', (_, schema, values) => {
  const fits = limitsOf(schema);
  const unchanged = values.filter((value) => fits?.(value));

  for (const value of unchanged) expect(schema.safeParse(value)).toStrictEqual({ success: true, data: value });
  expect(unchanged.length).toBeGreaterThan(0);
  expect(unchanged.length).toBeLessThanOrEqual(values.length);
});

test.each<[string, z.ZodType, unknown]>([
  ['a text that is too long', z.string().max(3), 'abcd'],
  ['a text that is too short', z.string().min(2), 'a'],
  ['characters of 32 bits that are too few', z.string().min(2), '😀'],
  ['a text that does not match', z.uuid(), 'abc'],
  ['a text that would be trimmed', z.string().trim(), ' a'],
  ['infinity', z.number(), Infinity],
  ['no whole number', z.int(), 1.5],
  ['a number at an exclusive limit', z.number().gt(1), 1],
  ['a list that is too long', z.array(z.int()).max(1), [1, 2]],
  ['a member of a list', z.array(z.int()), [1, 1.5]],
  ['a member of an object', z.object({ a: z.object({ b: z.int() }) }), { a: { b: 0.5 } }],
  ['a member that a default would take the place of', z.object({ a: z.int().default(1) }), {}],
])('%s does not fit', (_, schema, value) => {
  expect(limitsOf(schema)?.(value)).toBe(false);
});

test.each<[string, z.ZodType]>([
  ['a refinement', z.object({ a: z.string().refine((text) => text !== 'no') })],
  ['a refinement of the whole', z.object({ a: z.string() }).refine(() => false)],
  ['a transform', z.object({ a: z.string().transform(Number) })],
  ['a coercion', z.coerce.number()],
  ['a record', z.object({ a: z.record(z.string(), z.number()) })],
  ['a choice of numbers', z.literal([1, 2])],
  ['members that no schema names', z.looseObject({ a: z.string() })],
  ['a format with more to it than a pattern', z.url()],
  ['another value for one that fails', z.string().catch('')],
  ['a frozen value', z.array(z.int()).readonly()],
  ['a default within an optional member', z.object({ a: z.string().default('').optional() })],
])('of %s nothing is known', (_, schema) => {
  expect(limitsOf(schema)).toBeUndefined();
});

test('the limits of most requests are known', () => {
  const calls = Object.values(contracts).flatMap((contract) => (typeof contract === 'object' && 'calls' in contract ? Object.values(contract.calls) : []));

  expect(calls.filter(({ request }) => limitsOf(request)).length).toBeGreaterThanOrEqual(0.7 * calls.length);
});
