import { randomInt } from 'node:crypto';
import { catalogCalls } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCatalog } from '../catalog.fixture.ts';
import type { CatalogFixture } from '../catalog.fixture.ts';
import { ListingHandler } from './listing.handler.ts';
import { ListingRepository } from './listing.repository.ts';

let catalog: CatalogFixture;
let handler: ListingHandler;

beforeAll(async () => {
  catalog = await startCatalog();
  handler = catalog.app.get(ListingHandler);
});
afterAll(() => catalog.close());

/** A word that nothing else holds, in this test or in what others left in the cache. */
const newWord = () => `w${randomInt(2 ** 40).toString(36)}w`;

test('lists a category in pages, each product once', async () => {
  const { ids, category } = await catalog.addProducts(['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })));
  const seen: number[] = [];
  let after: string | undefined;
  const sizes: number[] = [];
  do {
    const page = await handler.listProducts({ category, limit: 2, after });
    seen.push(...page.items.map(({ id }) => id));
    sizes.push(page.items.length);
    after = page.next ?? undefined;
  } while (after);
  expect(seen).toEqual(ids);
  expect(sizes).toEqual([2, 2, 1]);
});

test('a page that ends with the list has no next', async () => {
  const { category } = await catalog.addProducts([{ name: 'a' }, { name: 'b' }]);
  expect(await handler.listProducts({ category, limit: 2 })).toMatchObject({ items: [{ name: 'a' }, { name: 'b' }], next: null });
});

test('shows of a product what lists show', async () => {
  const { ids, category } = await catalog.addProducts([{ name: 'Kettle', description: 'long' }]);
  expect(await handler.listProducts({ category, limit: 1 })).toEqual({
    items: [{ id: ids[0], name: 'Kettle', categoryId: category, priceCents: 100 }],
    next: null,
  });
});

test('an unknown category has no products', async () => {
  expect(await handler.listProducts({ category: 2_147_483_647, limit: 20 })).toEqual({ items: [], next: null });
});

test('finds products that hold all words, in name or description and in any form', async () => {
  const word = newWord();
  await catalog.addProducts([
    { name: `${word} kettles`, description: 'steel' },
    { name: `kettle`, description: `made of ${word}` },
    { name: `${word} pan` },
  ]);
  const { items } = await handler.listProducts({ q: `KETTLE  ${word}`, limit: 20 });
  expect(items.map(({ name }) => name)).toEqual([`${word} kettles`, 'kettle']);
});

test('searches within a category', async () => {
  const word = newWord();
  await catalog.addProducts([{ name: `${word} other` }]);
  const { category } = await catalog.addProducts([{ name: `${word} this` }, { name: 'no' }]);
  const { items } = await handler.listProducts({ q: word, category, limit: 20 });
  expect(items.map(({ name }) => name)).toEqual([`${word} this`]);
});

test('pages through a search, each product once', async () => {
  const word = newWord();
  const { ids } = await catalog.addProducts(Array.from({ length: 7 }, (_, index) => ({ name: `${word} ${index}` })));
  const first = await handler.listProducts({ q: word, limit: 4 });
  const second = await handler.listProducts({ q: word, limit: 4, after: first.next ?? undefined });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
  expect(second.next).toBeNull();
});

/** Equal names and prices go by their ids. */
const assortment = [
  { name: 'Pan', priceCents: 300 },
  { name: 'kettle', priceCents: 100 },
  { name: 'Ångström lamp', priceCents: 300 },
  { name: 'Pan', priceCents: 200 },
  { name: 'Kettle "1"', priceCents: 100 },
  { name: 'Zebra', priceCents: 0 },
  { name: 'Pan', priceCents: 300 },
];

const sorts = (['created', 'name', 'price'] as const).flatMap((sort) => (['asc', 'desc'] as const).map((direction) => ({ sort, direction })));

test.each(sorts.flatMap((order) => [{ ...order, searching: false }, { ...order, searching: true }]))(
  'lists by $sort $direction, each product once, when searching $searching',
  async ({ sort, direction, searching }) => {
    const word = newWord();
    const { ids, category } = await catalog.addProducts(assortment.map((entry) => ({ ...entry, description: word })));
    const seen: number[] = [];
    let after: string | undefined;
    do {
      const page = await handler.listProducts({ ...(searching ? { q: word } : { category }), sort, direction, limit: 3, after });
      seen.push(...page.items.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after);
    const rows = await catalog.app.get(Database).read((reader) => reader.query<{ id: number }[]>(`select id from products where category_id = $1 order by ${{ created: 'id', name: 'name', price: 'price_cents' }[sort]} ${direction}, id ${direction}`, [category]));
    expect(seen).toEqual(rows.map(({ id }) => id));
    expect(seen.toSorted()).toEqual(ids.toSorted());
  },
);

test('a list by price goes on where it was, though the last product of the page has another price by now', async () => {
  const { ids, category } = await catalog.addProducts([100, 200, 300, 400].map((priceCents) => ({ name: 'Pan', priceCents })));
  const first = await handler.listProducts({ category, sort: 'price', limit: 2 });
  await runInContext(createContext(), async () => {
    await catalog.app.get(Database).write((tx) => tx.query('update products set price_cents = 900 where id = $1', [ids[1]]));
    const second = await handler.listProducts({ category, sort: 'price', limit: 2, after: first.next ?? undefined });
    expect(second.items.map(({ id }) => id)).toEqual([ids[2], ids[3]]);
  });
});

test('the longest name there can be fits into a cursor', async () => {
  const name = '\u00e9"\u4e2d'.repeat(66);
  const { ids, category } = await catalog.addProducts([{ name }, { name }, { name: `${name}z` }]);
  const first = await handler.listProducts({ category, sort: 'name', limit: 1 });
  const after = catalogCalls.calls.listProducts.request.shape.after.parse(first.next);
  expect((await handler.listProducts({ category, sort: 'name', limit: 2, after })).items.map(({ id }) => id)).toEqual(ids.slice(1));
});

test('a cursor is of one sort and direction, and refused by all others', async () => {
  const { category } = await catalog.addProducts(assortment);
  for (const order of sorts) {
    const { next } = await handler.listProducts({ category, ...order, limit: 2 });
    for (const other of sorts.filter((candidate) => candidate !== order)) {
      await expect(handler.listProducts({ category, ...other, limit: 2, after: next ?? '' })).rejects.toMatchObject({ code: 'bad-cursor' });
    }
  }
});

test.each([["quotes ' \" and ; drop"], ['a & | ! <-> (b'], ['nul \u0000 and \u0007'], ['\u0000'], ['the of and'], ['%_\\']])(
  'takes %j for mere words',
  async (q) => {
    expect(await handler.listProducts({ q, limit: 20 })).toMatchObject({ next: null });
  },
);

test.each([['not-a-cursor'], [Buffer.from('"1"').toString('base64url')], [Buffer.from('-1').toString('base64url')], [Buffer.from('9999999999').toString('base64url')]])(
  'refuses the cursor %s',
  async (after) => {
    await expect(handler.listProducts({ limit: 20, after })).rejects.toMatchObject({ code: 'bad-cursor' });
  },
);

test('a walk and the index of words find the same, be a word hot or rare, near or far', async () => {
  const count = 6_000;
  const [everywhere, scattered, atTheEnd] = [newWord(), newWord(), newWord()];
  const { ids, category } = await catalog.addProducts(
    Array.from({ length: count }, (_, index) => ({
      name: everywhere,
      description: `${index % 900 === 0 ? scattered : ''} ${index >= count - 30 ? atTheEnd : ''}`,
    })),
  );
  const listings = catalog.app.get(ListingRepository);
  const before = (ids[0] ?? 0) - 1;
  const find = async (words: string, from = before, within?: number) =>
    (await listings.findPage({ words, after: [from], category: within, sort: 'created', direction: 'asc' }, 21)).ids;
  expect(await find(everywhere)).toEqual(ids.slice(0, 21));
  expect(await find(scattered)).toEqual(ids.filter((_, index) => index % 900 === 0));
  expect(await find(scattered, before, category)).toEqual(ids.filter((_, index) => index % 900 === 0));
  expect(await find(atTheEnd)).toEqual(ids.slice(-30, -9));
  expect(await find(atTheEnd, ids.at(-10))).toEqual(ids.slice(-9));
  expect(await find(newWord())).toEqual([]);
});
