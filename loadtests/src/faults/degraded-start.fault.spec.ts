import type { ComponentName } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { expect, inject, test } from 'vitest';

/** Promise 5: every service starts, degraded, while a dependency is down. */
const all: readonly ComponentName[] = ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy'];
const services = { gateway: 1, accounts: 1, catalog: 1, inventory: 1, orders: 1, worker: 1 };

const everything = all.filter((name) => name !== 'haproxy');
const outages: readonly (readonly ComponentName[])[] =
  inject('faults') === 'full' ? [['postgresql', 'pgbouncer'], ['session-redis'], ['cache-redis'], ['kafka'], ['mail'], everything] : [everything];

interface Report {
  status: string;
  details: Record<string, { status: string }>;
}

test.each(outages.map((missing) => ({ missing, names: missing.join(', ') })))('without $names every service starts within 10 s and says what it lacks', async ({ missing }) => {
  const cluster = await startTestCluster({ services, components: all.filter((name) => !missing.includes(name)) });
  try {
    const starts = cluster.timings.filter(({ step }) => /^(gateway|accounts|catalog|inventory|orders|worker)-1$/.test(step));
    const replicas = Object.entries(cluster.urls.operations);
    const reports = await Promise.all(
      replicas.map(async ([replica, url]) => {
        const ready = await fetch(`${url}/health/ready`);
        const { status, details } = (await (await fetch(`${url}/health/dependencies`)).json()) as Report;
        return { replica, ready: ready.status, status, lacking: Object.entries(details).filter(([, detail]) => detail.status !== 'up') };
      }),
    );
    // A product is what everybody may see: what cannot be answered is refused as that, and at once.
    const product = await fetch(`${cluster.urls.gateway}/v1/products/1`);
    await product.arrayBuffer();

    expect(starts.map(({ step }) => step).sort()).toEqual(replicas.map(([replica]) => replica).sort());
    expect(starts.filter(({ tookMs }) => tookMs > 10_000)).toEqual([]);
    expect(reports.filter(({ ready }) => ready !== 200)).toEqual([]);
    // Mail is not watched: a receipt is tried again until it is sent.
    const lacking = reports.flatMap((report) => report.lacking);
    expect(missing.includes('mail') && missing.length === 1 ? 1 : lacking.length).toBeGreaterThan(0);
    expect([200, 404, 503]).toContain(product.status);
  } finally {
    await cluster.stop();
  }
});
