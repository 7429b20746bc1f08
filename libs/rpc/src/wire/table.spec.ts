import { defineCalls } from '@tenfold/contracts';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { tableOf } from './call.table.ts';
import type { TableCodec } from './call.table.ts';
import { FrameError, FrameType, headBytes, lengthBytes } from './frame.codec.ts';
import { decodeTableBody, encodeTableFrame, tableIdOf } from './frame.writer.ts';
import { NotPlainError } from './plain.messagepack.ts';
import { compile } from './table.compiler.ts';
import { layoutOf } from './table.layout.ts';
import { MisfitError } from './table.writer.ts';

const head = { type: FrameType.Answer, id: 7, table: 0xabcd_ef01_2345, maxBytes: 4_000_000 };

/** The body of a frame, alone. */
function bodyOf(codec: TableCodec, value: unknown): Buffer {
  const { bytes, start, end } = encodeTableFrame(head, codec, value);
  return Buffer.from(bytes.subarray(start + lengthBytes + headBytes, end));
}

const codecOf = (schema: z.ZodType) => compile(layoutOf(schema, 'output'));
const decode = (codec: TableCodec, body: Buffer) => decodeTableBody(codec, body, 0, body.length);

const nested = z.object({ first: z.string().optional(), second: z.number().optional() });

test.each<[string, z.ZodType, unknown]>([
  ['texts', z.array(z.string()), ['', 'a', 'ä€😀', 'x'.repeat(70_000)]],
  ['numbers', z.array(z.number()), [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, 1.5, 0.1, -32, -33, -(2 ** 31), -(2 ** 40), 0.5, 1e300, Infinity]],
  ['booleans', z.array(z.boolean()), [true, false]],
  ['choices', z.array(z.enum(['red', 'green'])), ['green', 'red']],
  ['an empty object', z.object({ a: z.object({}).optional(), b: z.object({}).nullable() }), { a: {}, b: {} }],
  ['absent and present members', z.array(nested), [{}, { first: 'a' }, { second: 2 }, { first: '', second: 0 }]],
  ['an optional object whose members are absent', z.object({ inner: nested.optional() }), { inner: {} }],
  ['a nullable object whose members are absent', z.object({ inner: nested.nullable() }), { inner: {} }],
  ['null that is not absence', z.array(z.object({ a: z.string().nullish() })), [{ a: null }, {}, { a: 'x' }]],
  ['null within null', z.array(nested.nullable()), [null, {}, { second: 1 }]],
  ['lists in lists', z.array(z.array(z.number())), [[], [1], [2, 3]]],
  ['what no table describes', z.object({ a: z.record(z.string(), z.number()), b: z.union([z.string(), z.number()]), c: z.string() }), { a: { x: 1 }, b: 2, c: 'after' }],
  ['a list longer than a piece of memory', z.array(z.object({ id: z.number(), name: z.string() })), Array.from({ length: 20_000 }, (_, id) => ({ id, name: `name ${id}` }))],
])('%s come back as they were', (_, schema, value) => {
  const codec = codecOf(schema);

  expect(decode(codec, bodyOf(codec, value))).toStrictEqual(value);
});

test('many frames next to each other keep to themselves', () => {
  const codec = codecOf(z.object({ text: z.string() }));
  const bodies = Array.from({ length: 5000 }, (_, index) => bodyOf(codec, { text: `${index} ${'ü'.repeat(index % 200)}` }));
  const frames = Array.from({ length: 5000 }, (_, index) => encodeTableFrame(head, codec, { text: `frame ${index}` }));

  expect(bodies.map((body) => (decode(codec, body) as { text: string }).text.split(' ')[0])).toEqual(bodies.map((_, index) => String(index)));
  for (const [index, { bytes, start, end }] of frames.entries()) {
    expect(decodeTableBody(codec, bytes, start + lengthBytes + headBytes, end)).toEqual({ text: `frame ${index}` });
  }
});

test('a body carries the identity of its table', () => {
  const body = bodyOf(codecOf(z.string()), 'text');

  expect(tableIdOf(body, 0, body.length)).toBe(head.table);
});

test('what the schema does not name does not leave the service', () => {
  const codec = codecOf(z.object({ id: z.number() }));

  expect(decode(codec, bodyOf(codec, { id: 1, passwordHash: 'secret' }))).toEqual({ id: 1 });
});

test.each<[string, z.ZodType, unknown, string]>([
  ['a number for a text', z.object({ a: z.string() }), { a: 1 }, 'a is not a text'],
  ['a date for a text', z.object({ list: z.array(z.object({ at: z.string() })) }), { list: [{ at: '' }, { at: new Date() }] }, 'list.1.at is not a text'],
  ['a missing member', z.object({ a: z.object({ b: z.boolean() }) }), { a: {} }, 'a.b is not a boolean'],
  ['another choice', z.object({ color: z.enum(['red', 'green']) }), { color: 'blue' }, 'color is not one of red, green'],
  ['null', z.object({ a: z.array(z.string()) }), { a: null }, 'a is not a list'],
])('%s is refused with its place', (_, schema, value, message) => {
  expect(() => bodyOf(codecOf(schema), value)).toThrow(new MisfitError(message.split(' is not ')[1] ?? '', message.split(' is not ')[0]));
});

test('a frame after one that was refused is whole', () => {
  const codec = codecOf(z.object({ a: z.string(), b: z.string() }));
  expect(() => bodyOf(codec, { a: 'left over', b: 1 })).toThrow(MisfitError);

  expect(decode(codec, bodyOf(codec, { a: 'x', b: 'y' }))).toEqual({ a: 'x', b: 'y' });
});

test('a frame over the limit is refused', () => {
  expect(() => encodeTableFrame({ ...head, maxBytes: 100 }, codecOf(z.string()), 'x'.repeat(100))).toThrow(FrameError);
});

test('a plain part that is nested too deep is refused, and brackets within its texts are not counted', () => {
  const codec = codecOf(z.object({ any: z.unknown() }));
  const nested = (depth: number): unknown => (depth === 0 ? ['["{"'.repeat(100)] : [nested(depth - 1)]);

  expect(decode(codec, bodyOf(codec, { any: nested(31) }))).toEqual({ any: nested(31) });
  expect(() => decode(codec, bodyOf(codec, { any: nested(32) }))).toThrow('nested deeper than 32');
});

test('a list that is longer than its schema allows is refused before it is made', () => {
  const unlimited = codecOf(z.array(z.object({})));
  const limited = codecOf(z.array(z.object({})).max(10));

  expect(() => decode(limited, bodyOf(unlimited, Array.from({ length: 11 }, () => ({}))))).toThrow('a list of 11 members, at most 10 are allowed');
});

test('a table has the same identity wherever it is made, and another one for any other layout', () => {
  const callOf = (response: z.ZodType, name = 'call') =>
    defineCalls('service', { [name]: { request: z.object({}), response, errors: [], idempotent: true } }).calls[name];
  const idOf = (response: z.ZodType, name?: string) => tableOf(callOf(response, name) as Parameters<typeof tableOf>[0]).id;
  const id = idOf(z.object({ a: z.string().max(10), b: z.array(z.number()).max(5) }));

  expect(idOf(z.object({ a: z.string(), b: z.array(z.number()).max(50) }))).toBe(id);
  const others = [
    idOf(z.object({ a: z.string(), c: z.array(z.number()) })),
    idOf(z.object({ b: z.array(z.number()), a: z.string() })),
    idOf(z.object({ a: z.string().optional(), b: z.array(z.number()) })),
    idOf(z.object({ a: z.string(), b: z.array(z.string()) })),
    idOf(z.object({ a: z.string(), b: z.array(z.number()) }), 'another'),
  ];
  expect(new Set([id, ...others]).size).toBe(6);
});

test('bytes that were changed are refused or decoded, and never more than that', () => {
  const schema = z.object({
    id: z.string(),
    lines: z.array(z.object({ name: z.string(), quantity: z.number(), note: z.string().nullish(), color: z.enum(['red', 'green']) })),
    extra: z.record(z.string(), z.unknown()),
  });
  const codec = codecOf(schema);
  const lines = Array.from({ length: 5 }, (_, index) => ({ name: `line ${index}`, quantity: index * 1000, color: 'red' }));
  const good = { id: 'ü', lines, extra: { deep: [[1]] } };
  const body = bodyOf(codec, good);
  let seed = 1;
  const random = (below: number) => ((seed = (seed * 48_271) % 0x7fff_ffff), seed % below);
  let refused = 0;
  for (let round = 0; round < 50_000; round += 1) {
    const changed = Buffer.from(random(4) === 0 ? body.subarray(0, 9 + random(body.length - 9)) : body);
    for (let change = random(4); change >= 0; change -= 1) changed[9 + random(changed.length - 9)] = random(256);
    try {
      decode(codec, changed);
    } catch (error) {
      if (!(error instanceof NotPlainError)) throw error;
      refused += 1;
    }
  }

  expect(refused).toBeGreaterThan(10_000);
  expect(decode(codec, body)).toEqual(good);
});
