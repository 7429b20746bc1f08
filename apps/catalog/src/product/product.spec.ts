import { Database } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { startCatalog } from '../catalog.fixture.ts';
import type { CatalogFixture } from '../catalog.fixture.ts';
import { ListingHandler } from '../listing/listing.handler.ts';
import { ProductHandler } from './product.handler.ts';
import { ProductRepository } from './product.repository.ts';

let catalog: CatalogFixture;
let handler: ProductHandler;
let id = 0;
let category = 0;

beforeAll(async () => {
  catalog = await startCatalog();
  handler = catalog.app.get(ProductHandler);
  // What was sent is gone from the outbox a minute later; the trigger keeps it.
  await catalog.app.get(Database).write(async (tx) => {
    await tx.query('create table announced (payload jsonb not null)');
    await tx.query(`
      create function remember() returns trigger language plpgsql as
        $$ begin insert into announced values (new.payload::jsonb); return null; end $$`);
    await tx.query('create trigger remember after insert on outbox for each row execute function remember()');
  });
});
afterAll(() => catalog.close());

beforeEach(async () => {
  const added = await catalog.addProducts([{ name: 'Kettle', description: 'Boils water.' }]);
  id = added.ids[0] ?? 0;
  category = added.category;
});

const inOneSession = <Result>(run: () => Promise<Result>) => runInContext(createContext(), run);

/** As a session that has changed nothing. */
const priceForOthers = () => inOneSession(async () => (await handler.getProduct({ id })).priceCents);

async function announcements(): Promise<unknown[]> {
  const rows = await catalog.app
    .get(Database)
    .write((tx) => tx.query<{ payload: { id: number } }[]>('select payload from announced'));
  return rows.map(({ payload }) => payload).filter((payload) => payload.id === id);
}

test('shows a product', async () => {
  expect(await handler.getProduct({ id })).toEqual({
    id,
    name: 'Kettle',
    description: 'Boils water.',
    categoryId: category,
    priceCents: 100,
    version: 1,
    updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
  });
});

test('refuses an unknown product', async () => {
  await expect(handler.getProduct({ id: id + 1 })).rejects.toMatchObject({ code: 'not-found' });
});

test('shows many products in the order asked for, without the unknown', async () => {
  const { ids } = await catalog.addProducts([{ name: 'Pan' }, { name: 'Pot' }, { name: 'Lid' }]);
  const [pan = 0, pot = 0, lid = 0] = ids;
  const { items } = await handler.getProducts({ ids: [lid, pan, lid, 2_147_483_647, pot] });
  expect(items.map(({ name }) => name)).toEqual(['Lid', 'Pan', 'Pot']);
});

test('changes the named fields and raises the version', async () => {
  const before = await handler.getProduct({ id });
  const changed = await handler.changeProduct({ id, change: { priceCents: 250 } });
  expect(changed).toEqual({ ...before, priceCents: 250, version: 2, updatedAt: expect.any(String) });
  expect(changed.updatedAt > before.updatedAt).toBe(true);
});

test('refuses to change an unknown product', async () => {
  await expect(handler.changeProduct({ id: id + 1, change: { priceCents: 1 } })).rejects.toMatchObject({ code: 'not-found' });
});

test('announces a change in the transaction that makes it', async () => {
  await handler.changeProduct({ id, change: { name: 'Tea Kettle' } });
  expect(await announcements()).toEqual([{ id, version: 2, priceCents: 100, name: 'Tea Kettle' }]);
});

test('a change to what the product is already makes no version and announces nothing', async () => {
  expect(await handler.changeProduct({ id, change: { priceCents: 100, name: 'Kettle' } })).toMatchObject({ version: 1 });
  expect(await announcements()).toEqual([]);
});

test('changes at the same instant all count', async () => {
  const prices = Array.from({ length: 8 }, (_, index) => 200 + index);
  await Promise.all(prices.map((priceCents) => handler.changeProduct({ id, change: { priceCents } })));
  await inOneSession(async () => {
    expect(await handler.changeProduct({ id, change: { priceCents: 1 } })).toMatchObject({ version: 10 });
  });
});

test('who changed a price sees it at once, as a product and in lists', async () => {
  await priceForOthers();
  await inOneSession(async () => {
    for (let priceCents = 201; priceCents <= 220; priceCents += 1) {
      await handler.changeProduct({ id, change: { priceCents } });
      expect(await handler.getProduct({ id })).toMatchObject({ priceCents });
      expect(await handler.getProducts({ ids: [id] })).toMatchObject({ items: [{ priceCents }] });
      const list = await catalog.app.get(ListingHandler).listProducts({ category, limit: 1 });
      expect(list).toMatchObject({ items: [{ priceCents }] });
    }
  });
});

test('everybody sees a changed price soon', async () => {
  expect(await priceForOthers()).toBe(100);
  await handler.changeProduct({ id, change: { priceCents: 300 } });
  await vi.waitFor(async () => expect(await priceForOthers()).toBe(300), { timeout: 10_000, interval: 50 });
});

test('who changed a price never sees the old one that a cache still holds', async () => {
  await priceForOthers();
  await inOneSession(async () => {
    await catalog.app.get(ProductRepository).change(id, { priceCents: 300 });
    expect(await handler.getProduct({ id })).toMatchObject({ priceCents: 300 });
  });
});

test('a price is forgotten even if its changer dies right after the commit', async () => {
  expect(await priceForOthers()).toBe(100);
  await catalog.app.get(ProductRepository).change(id, { priceCents: 300 });
  await vi.waitFor(async () => expect(await priceForOthers()).toBe(300), { timeout: 25_000, interval: 100 });
});
