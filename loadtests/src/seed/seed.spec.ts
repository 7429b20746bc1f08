import { randomUUID } from 'node:crypto';
import { account, order, product } from '@tenfold/contracts';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { accountEmail, accountId, accountName, passwordHash } from './account.ts';
import { copyRow, copyRows } from './copy.ts';
import { ordersOf, priceList } from './order.ts';
import { kinds, productAt, productHead } from './product.ts';
import { readMarker, SEED_VERSION, writeMarker } from './seed-marker.ts';
import type { SeedSize } from './service-seed.ts';
import { hourRows, salesRows } from './worker.seed.ts';

const size: SeedSize = {
  scale: 0.02,
  products: 2000,
  accounts: 400,
  orders: 6000,
  from: new Date('2024-11-01T12:00:00Z'),
  until: new Date('2026-11-01T12:00:00Z'),
};

describe('seeded products', () => {
  it('are what the contract says, in every category', () => {
    const products = Array.from({ length: 400 }, (_, index) => productAt(index + 1));
    const refused = products.filter((one) => !product.safeParse({ ...one, version: 1, updatedAt: size.from.toISOString() }).success);
    expect(refused).toEqual([]);
    expect(new Set(products.map(({ categoryId }) => categoryId)).size).toBe(kinds.length);
  });

  it('are the same ones every time', () => {
    expect(productAt(4711)).toEqual(productAt(4711));
    expect(productAt(4711)).toMatchObject(productHead(4711));
  });

  it('hold nothing that COPY would take for its own signs', () => {
    const texts = Array.from({ length: 2000 }, (_, index) => productAt(index + 1)).map(({ name, description }) => name + description);
    expect(texts.filter((text) => /[\\\t\n\r]/.test(text))).toEqual([]);
  });

  it('fill the 200 categories with names of their own', () => {
    expect(kinds).toHaveLength(200);
    expect(new Set(kinds.map(({ name }) => name)).size).toBe(200);
  });
});

describe('seeded accounts', () => {
  it('are what the contract says', () => {
    const email = accountEmail(1);
    const one = { id: accountId(email), email, name: accountName(1), role: 'customer', createdAt: size.from.toISOString() };
    expect(account.safeParse(one).error).toBeUndefined();
  });

  it('keep their id, since orders and logins of earlier runs name it', () => {
    expect(accountId('somebody@example.test')).toBe('9ff28ac3-5e0b-8c2a-828b-7d5d574cec28');
  });

  it('have a password hash in PHC string format', () => {
    expect(passwordHash()).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  });
});

describe('seeded orders', () => {
  const orders = [...ordersOf(size)];

  it('are as many as the size says, and the same ones every time', () => {
    expect(orders).toHaveLength(size.orders);
    expect([...ordersOf(size)]).toEqual(orders);
  });

  it('rise in time, within the period', () => {
    const times = orders.map(({ createdAt }) => createdAt);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[0]).toBeGreaterThanOrEqual(size.from.getTime());
    expect(times.at(-1)).toBeLessThanOrEqual(size.until.getTime());
  });

  it('have UUIDs of version 7 that hold the millisecond of the order', () => {
    const milliseconds = orders.map(({ id }) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
    expect(milliseconds).toEqual(orders.map(({ createdAt }) => createdAt));
    expect(orders.filter(({ id }) => !order.shape.id.safeParse(id).success || id[14] !== '7')).toEqual([]);
    expect(new Set(orders.map(({ id }) => id)).size).toBe(orders.length);
  });

  it('have a long tail of buyers', () => {
    const counts = Map.groupBy(orders, ({ account }) => account);
    const sorted = [...counts.values()].map((theirs) => theirs.length).sort((a, b) => b - a);
    const topTenth = sorted.slice(0, size.accounts / 10).reduce((sum, count) => sum + count, 0);
    expect(counts.size).toBeGreaterThan(size.accounts * 0.95);
    expect(topTenth / size.orders).toBeGreaterThan(0.35);
  });

  it('add up to the sales by day, and to those by hour', () => {
    const { prices } = priceList(size.products);
    const revenue = orders
      .flatMap(({ lines }) => lines)
      .reduce((sum, { productId, quantity }) => sum + (prices[productId] ?? 0) * quantity, 0);
    const sumOf = (rows: Iterable<string>) => [...rows].reduce((sum, row) => sum + Number(row.trimEnd().split('\t').at(-1)), 0);
    expect(sumOf(salesRows(size))).toBe(revenue);
    expect(sumOf(hourRows(size))).toBe(revenue);
    const keys = [...hourRows(size)].map((row) => row.split('\t').slice(0, 2).join());
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the seed of a database', () => {
  const servers = inject('servers');
  const name = `seed_${randomUUID().replaceAll('-', '')}`;
  const admin = new Client({ connectionString: `${servers.postgresPrimary}/postgres` });
  const client = new Client({ connectionString: `${servers.postgresPrimary}/${name}` });
  const seed = { service: 'catalog', tables: [], write: () => Promise.resolve(0) };

  beforeAll(async () => {
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await admin.query(`DROP DATABASE ${name}`);
    await admin.end();
  });

  it('is copied row by row as it was generated', async () => {
    await client.query('CREATE TABLE things (id int, name text)');
    const rows = function* () {
      for (let id = 1; id <= 20_000; id++) yield copyRow(id, productHead(id).name);
    };
    expect(await copyRows(client, 'things (id, name)', rows())).toBe(20_000);
    const { rows: last } = await client.query('SELECT name FROM things WHERE id = 20000');
    expect(last).toEqual([{ name: productHead(20_000).name }]);
  });

  it('is remembered, and refused at another scale', async () => {
    expect(await readMarker(client, seed, 1)).toBeUndefined();
    await writeMarker(client, { scale: 1, version: SEED_VERSION, until: size.until });
    expect(await readMarker(client, seed, 1)).toEqual({ scale: 1, version: SEED_VERSION, until: size.until });
    await expect(readMarker(client, seed, 2)).rejects.toMatchObject({ code: 'different-seed', message: expect.stringContaining('start over') });
  });
});
