import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from './cluster.handle.ts';
import { createTestAuthority } from './test-authority.ts';
import { startTestCluster } from './test-cluster.ts';

const services = ['gateway', 'accounts', 'catalog', 'inventory', 'orders'] as const;
const authority = createTestAuthority();
let cluster: Cluster;

beforeAll(async () => {
  const replicas = Object.fromEntries(services.map((name) => [name, 1]));
  // Time enough to see what a replica does while it drains.
  const environment = Object.fromEntries(services.map((name) => [name, { CALLS_TLS_DIRECTORY: authority.issue(name), DRAIN_DELAY_MS: '2000', RATE_LIMIT_PER_MINUTE: '100000' }]));
  const components = ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'haproxy'] as const;
  cluster = await startTestCluster({ services: replicas, components: [...components], environment });
});

afterAll(async () => {
  await cluster.stop();
  authority.remove();
});

test('the shop works with certificates between all of its services', async () => {
  const ask = (path: string, body?: object, cookie = '') =>
    fetch(`${cluster.urls.gateway}${path}`, {
      ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'with-certificates-1', cookie },
    });
  const account = { email: 'somebody@tenfold.test', password: 'a password of some length' };
  expect((await ask('/v1/accounts', { ...account, name: 'Somebody' })).status).toBe(201);
  const session = await ask('/v1/session', account);
  const cookie = session.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  expect((await ask('/v1/products')).status).toBe(200);
  expect((await ask('/v1/orders', undefined, cookie)).status).toBe(200);
  // Through orders, which asks the catalog: there is no such product.
  expect((await ask('/v1/orders', { items: [{ productId: 1, quantity: 1 }] }, cookie)).status).toBe(422);
});

test('who connects without one hears nothing', async () => {
  const { ports } = cluster.processes().find(({ name }) => name === 'catalog-1') ?? { ports: {} as Record<string, number> };
  const socket = connect(ports['calls'] ?? 0, '127.0.0.1');
  let heard = 0;
  socket.on('data', (chunk: Buffer) => (heard += chunk.length)).on('error', () => {});
  socket.write(Buffer.from([0, 0, 0, 5, 10, 0, 0, 0, 0]));
  await once(socket, 'close');

  // At most TLS's own alert.
  expect(heard).toBeLessThan(16);
});

describe('under load', () => {
  let load: NodeJS.Timeout;
  const answers: Promise<number>[] = [];

  beforeAll(() => {
    // What no cache has an answer for.
    let product = 1_000_000;
    load = setInterval(() => answers.push(fetch(`${cluster.urls.gateway}/v1/products/${(product += 1)}`).then(({ status }) => status)), 10);
  });

  afterAll(() => clearInterval(load));

  /** Calls that a replica has answered; undefined when it no longer answers. */
  async function answeredBy(replica: string): Promise<number | undefined> {
    const metrics = await fetch(`${cluster.urls.operations[replica]}/metrics`).then((response) => response.text(), () => undefined);
    return metrics?.match(/^call_server_duration_seconds_count.* (\d+)$/gm)?.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0) ?? (metrics === undefined ? undefined : 0);
  }

  test('a new replica is called within two seconds of being ready', async () => {
    await cluster.scale('catalog', 2);

    await expect.poll(() => answeredBy('catalog-2'), { timeout: 2000, interval: 100 }).toBeGreaterThan(0);
  });

  test('a replica that drains is called no more, and no call fails', async () => {
    await expect.poll(() => answeredBy('catalog-2'), { timeout: 10_000 }).toBeGreaterThan(100);
    const stopped = cluster.scale('catalog', 1);
    // Callers read the list of addresses every 250 ms.
    await pause(700);
    const counts: number[] = [];
    for (let count = await answeredBy('catalog-2'); count !== undefined; count = await answeredBy('catalog-2')) {
      counts.push(count);
      await pause(100);
    }
    await stopped;

    expect(counts.length).toBeGreaterThan(3);
    expect(new Set(counts).size).toBe(1);
    clearInterval(load);
    expect(new Set(await Promise.all(answers))).toEqual(new Set([404]));
  });
});
