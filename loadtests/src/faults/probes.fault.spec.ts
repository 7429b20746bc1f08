import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

/** Promise 4: whoever watches the replicas does not make an outage worse. A replica without a dependency is alive. */
const full = inject('faults') === 'full';
const seconds = full ? 60 : 10;
const dependencies = ['session-redis', 'cache-redis', 'kafka', 'postgres-replica-1'];
const outages = full ? dependencies.map((dependency) => [dependency]) : [dependencies];

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({
    services: { gateway: 1, accounts: 1, catalog: 1, inventory: 1, orders: 1, worker: 1 },
    components: ['postgresql', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy'],
  });
});

afterAll(() => cluster.stop());

const replicas = () =>
  cluster
    .processes()
    .filter(({ kind }) => kind === 'service')
    .map(({ name, pid, restarts }) => ({ name, pid, restarts }));

/** What each replica says to a probe of the kind that is not 200, looking every half second. */
async function probed(probe: 'live' | 'ready', lengthMs: number): Promise<string[]> {
  const refusals: string[] = [];
  for (const until = performance.now() + lengthMs; performance.now() < until; await pause(500)) {
    await Promise.all(
      Object.entries(cluster.urls.operations).map(async ([replica, url]) => {
        const response = await fetch(`${url}/health/${probe}`);
        await response.arrayBuffer();
        if (response.status !== 200) refusals.push(`${replica}: ${response.status}`);
      }),
    );
  }
  return refusals;
}

test.each(outages.map((missing) => ({ missing, names: missing.join(', ') })))(`no replica is restarted or taken for dead while there is no $names for ${seconds} s`, async ({ missing }) => {
  const before = replicas();
  for (const dependency of missing) await cluster.halt(dependency);
  const [refusals] = await Promise.all([probed('live', seconds * 1000), probed('ready', seconds * 1000)]);
  for (const dependency of missing) await cluster.restart(dependency);
  expect(refusals).toEqual([]);
  expect(replicas()).toEqual(before);
  await expect.poll(() => probed('ready', 1), { timeout: 30_000 }).toEqual([]);
});
