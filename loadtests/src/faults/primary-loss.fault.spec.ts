import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { logIn } from '../generator/log-in.ts';
import { seedAll } from '../seed/seed.ts';
import { p99, steadily } from './steady-load.fixture.ts';

/** Promise 6: reads survive the loss of the primary, through the whole system, with the caches off. */
let cluster: Cluster;
let cookie: string;

beforeAll(async () => {
  cluster = await startTestCluster({
    services: { gateway: 1, accounts: 1, catalog: 1 },
    components: ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'haproxy'],
    environment: { catalog: { CACHE_OFF: '*' }, gateway: { CACHE_OFF: '*', RATE_LIMIT_PER_MINUTE: '1000000' } },
    beforeServices: ({ urls }) => seedAll({ urls, scale: 0.01 }),
  });
  [cookie = ''] = await logIn(cluster.urls.gateway, [{ email: 'admin@tenfold.test', password: 'tenfold-demo' }]);
});

afterAll(() => cluster.stop());

interface Answer {
  status: number;
  retryAfter: string | null;
  tookMs: number;
  began: number;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${cluster.urls.gateway}${path}`, init);
  await response.arrayBuffer();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), tookMs: performance.now() - began, began };
}

const read = () => ask(`/v1/products/${1 + Math.floor(Math.random() * 900)}`);
const list = () => ask(`/v1/products?limit=20&category=${1 + Math.floor(Math.random() * 20)}`);
const write = () =>
  ask(`/v1/products/${1 + Math.floor(Math.random() * 900)}`, {
    method: 'PATCH',
    headers: { cookie, 'content-type': 'application/json', origin: cluster.urls.gateway },
    body: JSON.stringify({ priceCents: 100 + Math.floor(Math.random() * 900) }),
  });

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('with the primary stopped every read is answered, and writes are refused at once, until it is back', async () => {
  const seconds = inject('faults') === 'full' ? 20 : 6;
  expect((await write()).status).toBe(200);
  const stops = [steadily(read, 25), steadily(list, 50)];
  const stopWrites = steadily(write, 25);
  await pause(1000);
  const stoppedAt = performance.now();
  await cluster.halt('postgres-primary');
  const downAt = performance.now();
  await pause(seconds * 1000);
  const upAgainAt = performance.now();
  await cluster.restart('postgres-primary');
  await pause(2000);
  const reads = (await Promise.all(stops.map((stop) => stop()))).flat();
  const writes = await stopWrites();

  const refused = writes.filter(({ began }) => began > downAt && began < upAgainAt);
  expect(reads.filter(({ status }) => status !== 200)).toEqual([]);
  expect(refused.length).toBeGreaterThan(seconds * 20);
  expect(refused.filter(({ status, retryAfter }) => status !== 503 || !(Number(retryAfter) >= 1))).toEqual([]);
  const takenDown = writes.filter(({ began, status }) => began > stoppedAt && status !== 200);
  expect(p99(takenDown)).toBeLessThan(250);
  expect((await write()).status).toBe(200);
});
