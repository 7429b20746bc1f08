import { randomUUID } from 'node:crypto';
import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { seedAll } from '../seed/seed.ts';

/** Promise 31: of every service one replica's clock is five minutes fast and the other's five minutes slow. */
const offMs = 300_000;
const orderCount = inject('faults') === 'full' ? 100 : 20;

/** Runs in each replica before anything else: the time of day as it would be there, for all that asks for it. */
const wrongClock = `
const off = process.env.REPLICA.endsWith("-1") ? ${offMs} : -${offMs};
const right = Date.now.bind(Date);
globalThis.Date = new Proxy(Date, {
  construct: (target, args, as) => Reflect.construct(target, args.length ? args : [right() + off], as),
  get: (target, name) => (name === "now" ? () => right() + off : Reflect.get(target, name)),
});`;

let cluster: Cluster;
let cookie: string;
/** As the replica says that took it. */
let signedUpAt: number;
const email = `${randomUUID()}@tenfold.test`;

beforeAll(async () => {
  cluster = await startTestCluster({
    services: { gateway: 2, accounts: 2, catalog: 2, inventory: 2, orders: 2, worker: 2 },
    components: ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy'],
    environment: { '*': { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(wrongClock)}` } },
    beforeServices: ({ urls }) => seedAll({ urls, scale: 0.01 }),
  });
  const credentials = { email, password: 'a password of some length' };
  const { body } = await ask('POST', '/v1/accounts', { ...credentials, name: 'Nora New' });
  signedUpAt = Date.parse(body.createdAt);
  const { headers } = await ask('POST', '/v1/session', credentials);
  cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
});

afterAll(() => cluster.stop());

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${cluster.urls.gateway}${path}`, {
    method,
    headers: { ...(cookie && { cookie }), ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : undefined) as { id: string; createdAt: string; items: { id: string; createdAt: string }[]; state: string } };
}

const place = (key: string) => ask('POST', '/v1/orders', { items: [{ productId: 11, quantity: 1 }] }, { 'idempotency-key': key });

test('the clocks are wrong indeed, and no session ends or begins by them', async () => {
  expect(Math.abs(Math.abs(Date.now() - signedUpAt) - offMs)).toBeLessThan(60_000);
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => (await ask('GET', '/v1/session')).status));
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  const { createdAt } = (await ask('GET', '/v1/session')).body;
  expect(Math.abs(Date.now() - Date.parse(createdAt))).toBeLessThan(60_000);
});

test('orders are placed once under their key, listed in the order in which they were placed, and acknowledged by one mail each', async () => {
  const placed: string[] = [];
  for (let count = 0; count < orderCount; count += 1) {
    const key = randomUUID();
    const [first, again] = [await place(key), await place(key)];
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body.id).toBe(first.body.id);
    placed.push(first.body.id);
  }
  const { items } = (await ask('GET', `/v1/orders?limit=${orderCount}`)).body;
  expect(items.map(({ id }) => id)).toEqual(placed.toReversed());
  expect(items.filter(({ createdAt }) => Math.abs(Date.now() - Date.parse(createdAt)) > 120_000)).toEqual([]);
  const mails = async () => {
    const all = (await (await fetch(`${cluster.urls.mail}/api/email`)).json()) as { to: { address: string }[] }[];
    return all.filter(({ to }) => to.some(({ address }) => address === email)).length;
  };
  await expect.poll(mails, { interval: 500 }).toBe(orderCount);
});

test('a report that one worker takes is done, whoever asks', async () => {
  const today = new Date().toISOString().slice(0, 10);
  const key = randomUUID();
  let id = '';
  // The first request of all may find a service that has just started.
  await expect.poll(async () => {
    const { status, body } = await ask('POST', '/v1/reports', { kind: 'sales-by-month', from: today, to: today }, { 'idempotency-key': key });
    id = body.id;
    return status;
  }, { interval: 500 }).toBe(202);
  await expect.poll(async () => (await ask('GET', `/v1/reports/${id}`)).body.state, { interval: 500 }).toBe('done');
});
