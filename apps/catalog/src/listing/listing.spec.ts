import { randomInt } from 'node:crypto';
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
  const after = (ids[0] ?? 0) - 1;
  const find = (words: string, from = after, within?: number) => listings.findIds({ words, after: from, category: within }, 21);
  expect(await find(everywhere)).toEqual(ids.slice(0, 21));
  expect(await find(scattered)).toEqual(ids.filter((_, index) => index % 900 === 0));
  expect(await find(scattered, after, category)).toEqual(ids.filter((_, index) => index % 900 === 0));
  expect(await find(atTheEnd)).toEqual(ids.slice(-30, -9));
  expect(await find(atTheEnd, ids.at(-10))).toEqual(ids.slice(-9));
  expect(await find(newWord())).toEqual([]);
});
