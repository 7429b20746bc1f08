import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, makeTestDirectory, removeTestDirectory, writeGreeter } from '../cluster.fixture.ts';
import type { Cluster } from '../cluster.handle.ts';
import { startCluster } from '../cluster.ts';

interface Target {
  labels: Record<string, string>;
  health: string;
}

/** Prometheus beside a service so small that only the following of its replicas is left to test. */
describe('a cluster with metrics', () => {
  let directory: string;
  let cluster: Cluster;

  beforeAll(async () => {
    directory = makeTestDirectory();
    cluster = await startCluster({
      directory,
      services: { greeter: 1 },
      components: ['session-redis', 'haproxy'],
      with: ['metrics'],
      ...writeGreeter(directory),
    });
  }, 300_000);

  afterAll(async () => {
    await cluster.stop();
    removeTestDirectory(directory);
  });

  async function targets(): Promise<Target[]> {
    const response = await fetch(`${cluster.urls.prometheus}/api/v1/targets?state=active`);
    const { data } = (await response.json()) as { data: { activeTargets: Target[] } };
    return data.activeTargets;
  }

  const replicas = async () => (await targets()).filter(({ labels }) => labels['job'] === 'services').map(({ labels }) => labels['replica']).sort();
  const patience = { timeout: 20_000 };

  it('asks each component that runs, and none that does not', async () => {
    await eventually('all have been asked', async () => {
      const all = await targets();
      return all.length > 0 && all.every(({ health }) => health === 'up');
    });
    const jobs = new Set((await targets()).map(({ labels }) => labels['job']));
    expect(jobs).toEqual(new Set(['haproxy', 'redis', 'services']));
    const answer = await fetch(`${cluster.urls.prometheus}/api/v1/query?query=redis_up`);
    expect(await answer.json()).toMatchObject({ data: { result: [{ metric: { instance: 'session-redis' }, value: [expect.any(Number), '1'] }] } });
  });

  it('follows replicas as they come and go', async () => {
    await expect.poll(replicas, patience).toEqual(['greeter-1']);
    await cluster.scale('greeter', 3);
    await expect.poll(replicas, patience).toEqual(['greeter-1', 'greeter-2', 'greeter-3']);
    await cluster.scale('greeter', 1);
    await expect.poll(replicas, patience).toEqual(['greeter-1']);
  });

  it('goes on asking a replica that died, since it is to come back', async () => {
    cluster.kill('greeter-1');
    await eventually('it is back', () => cluster.processes().some(({ name, restarts, state }) => name === 'greeter-1' && restarts === 1 && state === 'ready'));
    expect(await replicas()).toEqual(['greeter-1']);
  });
});

describe('a cluster without metrics', () => {
  it('runs neither Prometheus nor an exporter', async () => {
    const directory = makeTestDirectory();
    const cluster = await startCluster({ directory, services: 'none', components: ['session-redis', 'haproxy'] });
    try {
      expect(cluster.processes().map(({ name }) => name)).toEqual(['runner', 'haproxy', 'session-redis']);
    } finally {
      await cluster.stop();
      removeTestDirectory(directory);
    }
  });
});
