import { randomInt } from 'node:crypto';
import { planOf, recordStatements, runSql } from '@tenfold/database/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCatalog } from '../catalog.fixture.ts';
import type { CatalogFixture } from '../catalog.fixture.ts';
import { ListingRepository } from './listing.repository.ts';
import type { ListingPosition } from './listing.order.ts';
import type { ListingFilter } from './listing.repository.ts';
import { ProductRepository } from '../product/product.repository.ts';

/** Plans of the hot reads on a volume like the seeded one. A snapshot that changes says that a query or an index did. */
let catalog: CatalogFixture;
const statements = recordStatements();

beforeAll(async () => {
  catalog = await startCatalog();
  await runSql(
    catalog.config.DATABASE_PRIMARY_URL,
    [`insert into categories select n, 'category ' || n from generate_series(1, 200) as n`],
    [
      `insert into products (id, name, description, category_id, price_cents)
       select n, 'Kettle ' || n, 'Of ' || (array['steel', 'copper', 'glass'])[1 + n % 3] || case when n % 9000 = 0 then ' and amber' else '' end, 1 + n % 200, 100 + n * 7919 % 5000
       from generate_series(1, 50000) as n`,
    ],
    ['vacuum analyze'],
  );
});

afterAll(async () => {
  await catalog.close();
  statements.stop();
});

/** The statements that `run` needs, explained. */
async function planned(run: () => Promise<unknown>): Promise<string> {
  statements.take();
  await run();
  // The relay looks at its own table meanwhile.
  const taken = statements.take().filter(({ sql }) => /\bproducts\b/.test(sql));
  const plans = await Promise.all(taken.map(({ sql, parameters }) => planOf(catalog.config.DATABASE_PRIMARY_URL, sql, parameters)));
  return plans.join('then');
}

const page = (filter: Partial<ListingFilter>) => catalog.app.get(ListingRepository).findPage({ sort: 'created', direction: 'asc', ...filter }, 20);

test('a page of a category is a range of one index', async () => {
  expect(await planned(() => page({ category: 7, after: [randomInt(1, 1000)] }))).toMatchInlineSnapshot(`
    "
    Result: rows ≤ 1, pages ≤ 4
      Limit: rows ≤ 64, pages ≤ 4
        Index Only Scan by products_by_category on products: rows ≤ 64, pages ≤ 4
    "
  `);
});

test('a page of all products is a range of the primary key', async () => {
  expect(await planned(() => page({ after: [25_000] }))).toMatchInlineSnapshot(`
    "
    Result: rows ≤ 1, pages ≤ 4
      Limit: rows ≤ 64, pages ≤ 4
        Index Only Scan by products_pkey on products: rows ≤ 64, pages ≤ 4
    "
  `);
});

const positions = { name: ['Kettle 25000', 25_000], price: [2600, 25_000] } as const;

test.each((['name', 'price'] as const).flatMap((sort) => (['asc', 'desc'] as const).map((direction) => ({ sort, direction }))))(
  'a page by $sort $direction is a range of its index, of all products and of a category',
  async ({ sort, direction }) => {
    const after: ListingPosition = [...positions[sort]];
    for (const [within, index] of [[{}, `products_by_${sort}`], [{ category: 7 }, `products_by_category_and_${sort}`]] as const) {
      const plan = await planned(() => page({ ...within, sort, direction, after }));
      expect(plan.replaceAll(index, '<index>')).toBe(pageInOrder);
    }
  },
);

/** The index gives the ids in order; what the last product is sorted by is one look-up. */
const pageInOrder = `
Result: rows ≤ 1, pages ≤ 16
  Limit: rows ≤ 64, pages ≤ 4
    Index Only Scan by <index> on products: rows ≤ 64, pages ≤ 4
  Index Scan by products_pkey on products: rows ≤ 1, pages ≤ 16
    Limit: rows ≤ 64, pages ≤ 4
      Index Only Scan by <index> on products: rows ≤ 64, pages ≤ 4
`;

test('a rare word is found by the index of words', async () => {
  expect(await planned(() => page({ words: 'amber' }))).toMatchInlineSnapshot(`
    "
    Result: rows ≤ 1, pages ≤ 16
      Limit: rows ≤ 16, pages ≤ 16
        Result: rows ≤ 1, pages ≤ 1
        Bitmap Heap Scan on products: rows ≤ 16, pages ≤ 16
          Bitmap Index Scan by products_by_words: rows ≤ 16, pages ≤ 4
      Limit: rows ≤ 16, pages ≤ 16
        Sort: rows ≤ 16, pages ≤ 16
          CTE Scan: rows ≤ 16, pages ≤ 16
      Aggregate: rows ≤ 1, pages ≤ 1
        CTE Scan: rows ≤ 16, pages ≤ 1
    "
  `);
});

test('a frequent word is found on the way through the primary key', async () => {
  expect(await planned(() => page({ words: 'copper' }))).toMatchInlineSnapshot(`
    "
    Result: rows ≤ 1, pages ≤ 256
      Limit: rows ≤ 4096, pages ≤ 256
        Result: rows ≤ 1, pages ≤ 1
        Bitmap Heap Scan on products: rows ≤ 4096, pages ≤ 256
          Bitmap Index Scan by products_by_words: rows ≤ 65536, pages ≤ 16
      Limit: rows ≤ 64, pages ≤ 256
        Sort: rows ≤ 64, pages ≤ 256
          CTE Scan: rows ≤ 4096, pages ≤ 256
      Aggregate: rows ≤ 1, pages ≤ 1
        CTE Scan: rows ≤ 4096, pages ≤ 1
    then
    Result: rows ≤ 1, pages ≤ 4
      Limit: rows ≤ 64, pages ≤ 4
        Result: rows ≤ 1, pages ≤ 1
        Index Scan by products_pkey on products: rows ≤ 64, pages ≤ 4
      Limit: rows ≤ 64, pages ≤ 4
        CTE Scan: rows ≤ 64, filtered out ≤ 64, pages ≤ 4
      Limit: rows ≤ 64, pages ≤ 1
        CTE Scan: rows ≤ 64, filtered out ≤ 64, pages ≤ 1
      Aggregate: rows ≤ 1, pages ≤ 1
        CTE Scan: rows ≤ 1, pages ≤ 1
    "
  `);
});

test('products by id are one look-up each', async () => {
  expect(await planned(() => catalog.app.get(ProductRepository).find([1, 2, 3]))).toMatchInlineSnapshot(`
    "
    Index Scan by products_pkey on products: rows ≤ 4, pages ≤ 16
    "
  `);
});
