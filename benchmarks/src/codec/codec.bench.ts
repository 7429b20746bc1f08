import { encodePlain, decodePlain, tableCodecOf } from '@tenfold/rpc/testing';
import { Packr } from 'msgpackr';
import { z } from 'zod';
import { order, orderOf } from '../calls/order.contract.ts';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';

/** One value of each shape that services send, and the schema that both sides know. */
const shapes = {
  order: { schema: order, value: orderOf(7) },
  id: { schema: z.strictObject({ id: z.int() }), value: { id: 123_456 } },
  page: {
    schema: z.strictObject({ items: z.array(z.strictObject({ id: z.int(), name: z.string(), categoryId: z.int(), priceCents: z.int() })), next: z.string().nullable() }),
    value: { items: Array.from({ length: 20 }, (_, id) => ({ id, name: `Walnut desk lamp no. ${id}`, categoryId: 3, priceCents: 4900 })), next: 'eyJpZCI6MjB9' },
  },
  numbers: { schema: z.array(z.number()), value: Array.from({ length: 500 }, (_, index) => index * 1.5) },
  'long text': { schema: z.strictObject({ text: z.string() }), value: { text: 'A lamp for long evenings. '.repeat(400) } },
  'text beyond ASCII': { schema: z.strictObject({ text: z.string() }), value: { text: 'Lämpchen für längere Abende – 5 €. '.repeat(30) } },
  'no schema': { schema: z.record(z.string(), z.unknown()), value: { name: 'a', deep: { list: [1, 2, 3], flag: true } } },
} as const;
type Shape = keyof typeof shapes;

/** What msgpackr itself offers for records: one table that both directions share. */
const records = new Packr({ structures: [] });

/** There and back; how many bytes it took. */
function side(shape: Shape, trip: (value: unknown) => { bytes: number; value: unknown }): Side {
  const { value } = shapes[shape];
  const text = JSON.stringify(value);
  return {
    run(units) {
      let bytes = 0;
      let last: unknown;
      for (let unit = 0; unit < units; unit += 1) ({ bytes, value: last } = trip(value));
      if (JSON.stringify(last) !== text) throw new Error(`${shape} does not come back as it was`);
      return { result: units, measures: { bytes } };
    },
  };
}

function json(shape: Shape): Side {
  return side(shape, (value) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return { bytes: bytes.length, value: JSON.parse(bytes.toString()) as unknown };
  });
}

/** What a frame's body takes: written, scanned, checked by the schema's kinds, read. */
function table(shape: Shape): Side {
  const codec = tableCodecOf(shapes[shape].schema);
  return side(shape, (value) => {
    const frame = codec.encode(value);
    return { bytes: frame.end - frame.start, value: codec.decode(frame) };
  });
}

function plain(shape: Shape): Side {
  return side(shape, (value) => {
    const bytes = encodePlain(value, 0);
    return { bytes: bytes.length, value: decodePlain(bytes, 0, bytes.length) };
  });
}

export default defineBench({
  title: 'Encoding and decoding, there and back, with scan and check',
  unit: 'value',
  reference: 'order, JSON',
  roundMs: 300,
  warmUpMs: 1500,
  goals: [
    { measure: 'cpu', of: 'order, JSON', to: 'order, table', atLeast: 1.5 },
    { measure: 'bytes', of: 'order, table', to: 'order, JSON', atMost: 0.6 },
    { measure: 'cpu', of: 'id, JSON', to: 'id, table', atLeast: 1 },
    { measure: 'cpu', of: 'page, JSON', to: 'page, table', atLeast: 1 },
    { measure: 'cpu', of: 'numbers, JSON', to: 'numbers, table', atLeast: 1 },
    { measure: 'cpu', of: 'long text, JSON', to: 'long text, table', atLeast: 1 },
    { measure: 'cpu', of: 'text beyond ASCII, JSON', to: 'text beyond ASCII, table', atLeast: 1 },
    { measure: 'cpu', of: 'no schema, JSON', to: 'no schema, table', atLeast: 1 },
  ],
  setUp: () => ({
    'order, JSON': json('order'),
    'order, table': table('order'),
    'order, plain MessagePack': plain('order'),
    'order, msgpackr records, no scan': side('order', (value) => {
      const bytes = records.pack(value);
      return { bytes: bytes.length, value: records.unpack(bytes) as unknown };
    }),
    'id, JSON': json('id'),
    'id, table': table('id'),
    'page, JSON': json('page'),
    'page, table': table('page'),
    'numbers, JSON': json('numbers'),
    'numbers, table': table('numbers'),
    'long text, JSON': json('long text'),
    'long text, table': table('long text'),
    'text beyond ASCII, JSON': json('text beyond ASCII'),
    'text beyond ASCII, table': table('text beyond ASCII'),
    'no schema, JSON': json('no schema'),
    'no schema, table': table('no schema'),
  }),
});
