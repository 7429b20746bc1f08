import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { logIn } from '../generator/log-in.ts';
import { seedAll } from '../seed/seed.ts';
import { p99, steadily } from './steady-load.fixture.ts';

/** Promise 19: a service that takes 30 s for everything holds up nobody who does not need it. */
const full = inject('faults') === 'full';
const slowMs = full ? 30_000 : 10_000;
const baselineMs = full ? 20_000 : 5_000;

/** What other processes of the machine may add to a quantile in the short form. */
const noiseMs = full ? 20 : 100;

let cluster: Cluster;
let inventory: Client;
let cookie: string;

beforeAll(async () => {
  cluster = await startTestCluster({
    services: { gateway: 1, accounts: 1, catalog: 1, inventory: 1, orders: 1 },
    components: ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'haproxy'],
    environment: { gateway: { RATE_LIMIT_PER_MINUTE: '1000000' } },
    beforeServices: ({ urls }) => seedAll({ urls, scale: 0.01 }),
  });
  [cookie = ''] = await logIn(cluster.urls.gateway, [{ email: 'demo-1@tenfold.test', password: 'tenfold-demo' }]);
  inventory = new Client({ connectionString: `${cluster.urls.postgres.primary}/inventory`, application_name: 'slow-dependency' });
  await inventory.connect();
});

afterAll(async () => {
  await inventory.end();
  await cluster.stop();
});

interface Answer {
  status: number;
  tookMs: number;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${cluster.urls.gateway}${path}`, { ...init, headers: { cookie, ...init.headers } });
  await response.arrayBuffer();
  return { status: response.status, tookMs: performance.now() - began };
}

const ordered = 11;
const product = () => ask(`/v1/products/${1 + Math.floor(Math.random() * 900)}`);
const myOrders = () => ask('/v1/orders?limit=5');
const placeOrder = () =>
  ask('/v1/orders', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: `{"items":[{"productId":${ordered},"quantity":1}]}`,
  });

/** Events of the ledger that reserve the product. */
async function reservations(): Promise<number> {
  const { rows } = await inventory.query<{ count: number }>(`select count(*)::int as count from stock_events where product_id = $1 and type = 'reserved'`, [ordered]);
  return rows[0]?.count ?? 0;
}

/** Statements of the service that its server still works on, or lets wait. */
async function statementsOfInventory(): Promise<string[]> {
  // In the transaction that holds the lock the view would go on showing what it showed first.
  await inventory.query('select pg_stat_clear_snapshot()');
  const { rows } = await inventory.query<{ statement: string }>(`
    select concat_ws(' ', backend_type, application_name, 'for', clock_timestamp() - query_start, left(query, 200)) as statement from pg_stat_activity
    where datname = 'inventory' and state = 'active' and query ~* 'stock_|reservations' and pid <> pg_backend_pid()`);
  return rows.map(({ statement }) => statement);
}

test('while the stock answers nothing, other routes are as quick as ever, and what came too late is never begun', async () => {
  const others = () => [steadily(product, 20), steadily(myOrders, 50)];
  expect((await placeOrder()).status).toBe(201);
  const stopBefore = others();
  await pause(baselineMs);
  const before = await Promise.all(stopBefore.map((stop) => stop()));
  const reservedBefore = await reservations();

  await inventory.query('begin');
  await inventory.query('lock table stock_events, stock_snapshots, reservations in access exclusive mode');
  const stops = others();
  const stopOrders = steadily(placeOrder, 250);
  await pause(slowMs - 6_000);
  const refused = await stopOrders();
  // Whoever asked has been told by now; the server works on nothing of theirs any more.
  await expect.poll(statementsOfInventory, { timeout: 5_000 }).toEqual([]);
  await inventory.query('rollback');
  const during = await Promise.all(stops.map((stop) => stop()));

  process.stdout.write(`slow dependency: p99 of products ${p99(during[0] ?? []).toFixed()} ms (before ${p99(before[0] ?? []).toFixed()}), of orders ${p99(during[1] ?? []).toFixed()} ms (before ${p99(before[1] ?? []).toFixed()})\n`);
  expect(during.flat().filter(({ status }) => status !== 200)).toEqual([]);
  for (const [index, answers] of during.entries()) {
    const usual = p99(before[index] ?? []);
    expect(p99(answers)).toBeLessThanOrEqual(Math.max(1.2 * usual, usual + noiseMs));
  }
  // 503 where it is refused early, 504 where the time was up.
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.filter(({ status }) => status !== 503 && status !== 504)).toEqual([]);
  expect(Math.max(...refused.map(({ tookMs }) => tookMs))).toBeLessThan(full ? 6_000 : 8_000);
  expect(await reservations()).toBe(reservedBefore);
  await expect.poll(async () => (await placeOrder()).status).toBe(201);
});
