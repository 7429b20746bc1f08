import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '@tenfold/local-cluster';
import { startMailSink, startTestCluster } from '@tenfold/local-cluster/testing';
import type { MailSink } from '@tenfold/local-cluster/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { logIn } from '../generator/log-in.ts';
import { seedAll } from '../seed/seed.ts';

/**
 * The saga of a checkout: reserve, pay, confirm or compensate. Processes of every service that takes part die at random
 * moments, so in any of its steps, while the payment provider declines, answers late, twice or not at all. In the end no
 * stock is reserved without an order, no order is paid without stock, and nobody pays for a cancelled one.
 */
const full = inject('faults') === 'full';
const rounds = full ? 8 : 1;
const perSecond = 15;
vi.setConfig({ testTimeout: full ? 1_800_000 : 300_000 });

let cluster: Cluster;
let cookie: string;
let mailSink: MailSink;

beforeAll(async () => {
  mailSink = await startMailSink();
  cluster = await startTestCluster({
    services: { gateway: 1, accounts: 1, catalog: 1, inventory: 2, orders: 2, worker: 2 },
    components: ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'haproxy'],
    environment: {
      gateway: { RATE_LIMIT_PER_MINUTE: '1000000' },
      worker: { PAYMENT_STAND_IN: `decline=0.2,lose=0.15,double=0.15,delay=0.02,silent=${full ? 0.05 : 0}`, SMTP_URL: mailSink.url },
      orders: { ORDERS_PAYMENT_SECONDS: '45' },
    },
    beforeServices: async ({ urls }) => void (await seedAll({ urls, scale: 0.01 })),
  });
  [cookie = ''] = await logIn(cluster.urls.gateway, [{ email: 'demo-1@tenfold.test', password: 'tenfold-demo' }]);
});

afterAll(async () => {
  await cluster.stop();
  await mailSink.close();
});

/** Orders as a client does that was told nothing: again, under the same key. @returns the order's id */
async function order(): Promise<string> {
  const key = randomUUID();
  for (let attempt = 0; attempt < 150; attempt += 1) {
    const answer = await fetch(`${cluster.urls.gateway}/v1/orders`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ items: [{ productId: 1 + Math.floor(Math.random() * 20), quantity: 1 }] }),
    }).catch(() => undefined);
    if (answer?.status === 201) return ((await answer.json()) as { id: string }).id;
    await sleep(200);
  }
  throw new Error('an order was not placed within half a minute');
}

async function rowsOf<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

interface Findings {
  missing: string[];
  /** Neither confirmed nor cancelled. */
  unsettled: string[];
  confirmedWithoutStock: string[];
  confirmedWithoutPayment: string[];
  reservedWithoutOrder: string[];
  paidWithoutOrder: string[];
  /** Pieces that the stock says are reserved, and that reservations hold. */
  pieces: [string, string];
  /** Pieces there are, reserved or not: an order moves none in or out. */
  allPieces: string;
  /** Settled, and the customer was not told, or not of what happened. */
  untold: string[];
}

async function check(acknowledged: readonly string[]): Promise<Findings> {
  const { primary, shard1 } = cluster.urls.postgres;
  const since = `created_at > now() - interval '1 hour' and id in (select order_id from idempotency_keys where state = 'placed')`;
  const sql = `select id, status from orders where ${since}`;
  const orders = (await Promise.all([primary, shard1].map((url) => rowsOf<{ id: string; status: string }>(`${url}/orders`, sql)))).flat();
  const status = new Map(orders.map(({ id, status: now }) => [id, now]));
  const reservations = await rowsOf<{ id: string; state: string }>(`${primary}/inventory`, 'select order_id as id, state from reservations');
  const reserved = new Set(reservations.filter(({ state }) => state === 'reserved').map(({ id }) => id));
  const payments = await rowsOf<{ id: string; state: string }>(`${primary}/worker`, 'select key as id, state from stand_in_payments');
  const paid = new Set(payments.filter(({ state }) => state === 'accepted').map(({ id }) => id));
  const [pieces] = await rowsOf<{ snapshots: string; held: string; all: string }>(
    `${primary}/inventory`,
    `select (select sum(reserved) from stock_snapshots) as snapshots, (select sum(available + reserved) from stock_snapshots) as "all",
       (select coalesce(sum(item.quantity), 0) from reservations, jsonb_to_recordset(items) as item (quantity int) where state = 'reserved') as held`,
  );
  const confirmed = acknowledged.filter((id) => status.get(id) === 'confirmed');
  return {
    missing: acknowledged.filter((id) => !status.has(id)),
    unsettled: [...status].filter(([, now]) => now !== 'confirmed' && now !== 'cancelled').map(([id]) => id),
    confirmedWithoutStock: confirmed.filter((id) => !reserved.has(id)),
    confirmedWithoutPayment: confirmed.filter((id) => !paid.has(id)),
    reservedWithoutOrder: [...reserved].filter((id) => status.get(id) !== 'confirmed'),
    paidWithoutOrder: [...paid].filter((id) => status.get(id) !== 'confirmed'),
    pieces: [pieces?.snapshots ?? '', pieces?.held ?? ''],
    allPieces: pieces?.all ?? '',
    untold: acknowledged.filter((id) => !mailSink.copies.has(`${status.get(id) === 'confirmed' ? 'receipt' : 'cancellation'}-${id}@tenfold.test`)),
  };
}

test('whoever dies in whatever step, stock, orders and payments agree in the end', async () => {
  const before = await check([]);
  const placed: Promise<string>[] = [];
  const timer = setInterval(() => placed.push(order()), 1000 / perSecond);
  await sleep(1000);
  for (let round = 0; round < rounds; round += 1) {
    for (const victim of ['worker-1', 'orders-1', 'inventory-1', 'worker-2', 'orders-2', 'inventory-2']) {
      cluster.kill(victim);
      await sleep(700 + Math.random() * 600);
      await expect.poll(() => cluster.processes().find(({ name }) => name === victim)?.state, { timeout: 60_000 }).toBe('ready');
    }
  }
  clearInterval(timer);
  const acknowledged = await Promise.all(placed);
  expect(acknowledged.length).toBeGreaterThan(50);
  let findings = await check(acknowledged);
  const patience = Date.now() + 120_000;
  while ((findings.unsettled.length > 0 || findings.untold.length > 0) && Date.now() < patience) {
    await sleep(500);
    findings = await check(acknowledged);
  }
  const { pieces, allPieces, ...lists } = findings;
  process.stdout.write(`${acknowledged.length} orders acknowledged, ${rounds * 6} processes killed\n`);
  expect(lists).toEqual({
    missing: [],
    unsettled: [],
    confirmedWithoutStock: [],
    confirmedWithoutPayment: [],
    reservedWithoutOrder: [],
    paidWithoutOrder: [],
    untold: [],
  });
  expect(allPieces).toBe(before.allPieces);
  // What the seed reserved has no reservation.
  expect(Number(pieces[0]) - Number(before.pieces[0])).toBe(Number(pieces[1]) - Number(before.pieces[1]));
});
