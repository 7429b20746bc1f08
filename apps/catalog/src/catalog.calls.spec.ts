import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { catalogCalls } from '@tenfold/contracts';
import { CallsModule, callsToken } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCatalog } from './catalog.fixture.ts';
import type { CatalogFixture } from './catalog.fixture.ts';

describe.each([['on', ''], ['off', '*']])('with all caches %s', (_state, off) => {
  let catalog: CatalogFixture;
  let caller: INestApplicationContext;
  let client: CallClient<typeof catalogCalls>;

  beforeAll(async () => {
    catalog = await startCatalog({ CACHE_OFF: off });
    const { HOST, CALLS_PORT, CALLS_SECRET } = catalog.config;
    const addresses = `${HOST}:${CALLS_PORT}`;
    caller = await NestFactory.createApplicationContext(
      CallsModule.register({ contract: catalogCalls, addresses, secret: CALLS_SECRET }),
      { logger: false },
    );
    client = caller.get(callsToken(catalogCalls));
  });
  afterAll(async () => {
    await caller.close();
    await catalog.close();
  });

  test('a caller lists, reads and changes products, and sees its change', async () => {
    const { ids, category } = await catalog.addProducts([{ name: 'Kettle' }]);
    const [id = 0] = ids;
    expect(await client.listProducts({ category })).toMatchObject({ items: [{ id, priceCents: 100 }], next: null });
    expect(await client.getProduct({ id })).toMatchObject({ priceCents: 100, version: 1 });
    await runInContext(createContext(), async () => {
      await client.changeProduct({ id, change: { priceCents: 200 } });
      expect(await client.getProduct({ id })).toMatchObject({ priceCents: 200, version: 2 });
      expect(await client.getProducts({ ids: [id] })).toMatchObject({ items: [{ priceCents: 200 }] });
      expect(await client.listProducts({ category })).toMatchObject({ items: [{ priceCents: 200 }] });
    });
  });

  test('a caller lists the categories', async () => {
    await catalog.addProducts([{ name: 'Kettle' }]);
    const { items } = await client.listCategories({});
    expect(items).toEqual(items.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
    expect(items.every(({ name }) => name !== '')).toBe(true);
  });

  test('a caller learns that there is no such product', async () => {
    await expect(client.getProduct({ id: 2_147_483_647 })).rejects.toMatchObject({ code: 'not-found', service: 'catalog' });
  });

  test('a caller learns that its cursor is none', async () => {
    await expect(client.listProducts({ after: 'nonsense' })).rejects.toMatchObject({ code: 'bad-cursor', call: 'listProducts' });
  });
});
