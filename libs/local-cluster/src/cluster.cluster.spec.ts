import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.handle.ts';
import { alive, eventually, everyProcess, makeTestDirectory, removeTestDirectory, writeGreeter } from './cluster.fixture.ts';

/** A cluster of one Redis and two greeters behind HAProxy: all that supervision needs. */
describe('a cluster', () => {
  let directory: string;
  let cluster: Cluster;

  beforeEach(async () => {
    directory = makeTestDirectory();
    cluster = await startCluster({
      ...writeGreeter(directory),
      directory,
      services: { greeter: 2 },
      components: ['session-redis', 'haproxy'],
      environment: { greeter: { DRAIN_DELAY_MS: '300' } },
    });
  });

  afterEach(async () => {
    await cluster.stop();
    removeTestDirectory(directory);
  });

  const rowOf = (name: string) => cluster.processes().find((row) => row.name === name);
  const addresses = () => readFileSync(join(directory, 'addresses/greeter'), 'utf8').split('\n').filter(Boolean);
  const get = async () => fetch(cluster.urls.gateway, { headers: { 'x-request-id': 'forged', 'x-forwarded-for': '6.6.6.6' } });
  const answeringReplicas = async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => ((await (await get()).json()) as { replica: string }).replica));
    return [...new Set(answers)].sort();
  };

  /** One request after the other until it is asked how many were not answered well. */
  function startLoad(): { failures(): Promise<number[]> } {
    const load = { runs: true, statuses: [] as number[] };
    const done = (async () => {
      while (load.runs) load.statuses.push((await get()).status);
    })();
    return {
      async failures() {
        load.runs = false;
        await done;
        return load.statuses.filter((status) => status !== 200);
      },
    };
  }

  it('lets what was declared as background yield the processor', async () => {
    const priorityOf = (name: string) => getPriority(rowOf(name)?.pid);

    await expect.poll(() => priorityOf('greeter-1')).toBe(5);
    expect(priorityOf('session-redis')).toBe(0);
  });

  it('is ready when it has started, and leaves no process when it has stopped', async () => {
    const processes = everyProcess(directory).filter(({ name }) => name !== 'runner');
    expect(cluster.processes().filter(({ kind }) => kind !== 'runner').map(({ name, state }) => `${name} ${state}`)).toEqual([
      'haproxy ready',
      'session-redis ready',
      'greeter-1 ready',
      'greeter-2 ready',
    ]);
    expect(await answeringReplicas()).toEqual(['greeter-1', 'greeter-2']);
    expect(addresses()).toHaveLength(2);
    await cluster.stop();
    expect(alive(processes)).toEqual([]);
  });

  it('replaces what clients say of themselves at the balancer', async () => {
    const { headers } = (await (await get()).json()) as { headers: Record<string, string> };
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
  });

  it('starts a killed process again, counts it, and fails no GET meanwhile', async () => {
    const before = rowOf('greeter-1')?.pid;
    const { port } = new URL(cluster.urls.operations['greeter-1'] ?? '');
    cluster.kill('greeter-1');
    const statuses: number[] = [];
    await eventually('greeter-1 is ready again', async () => {
      statuses.push((await get()).status);
      const row = rowOf('greeter-1');
      return row?.state === 'ready' && row.pid !== before;
    });
    expect(rowOf('greeter-1')?.restarts).toBe(1);
    expect(new URL(cluster.urls.operations['greeter-1'] ?? '').port).toBe(port);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    await eventually('its address is back', () => addresses().length === 2);
  });

  it('takes a paused replica out of the addresses, and back when it is resumed', async () => {
    cluster.pause('greeter-2');
    expect(rowOf('greeter-2')?.state).toBe('paused');
    await eventually('its address is gone', () => addresses().length === 1);
    await eventually('the balancer leaves it out', async () => (await answeringReplicas()).join() === 'greeter-1');
    cluster.resume('greeter-2');
    await eventually('its address is back', () => addresses().length === 2);
    expect(rowOf('greeter-2')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  it('scales up and down behind the balancer without a failed request', async () => {
    const load = startLoad();
    await cluster.scale('greeter', 3);
    await eventually('the new replica answers', async () => (await answeringReplicas()).includes('greeter-3'));
    await cluster.scale('greeter', 1);
    expect(await answeringReplicas()).toEqual(['greeter-1']);
    expect(addresses()).toHaveLength(1);
    expect(await load.failures()).toEqual([]);
  });

  it('restarts a replica in order, without a failed request', async () => {
    const before = rowOf('greeter-1')?.pid;
    const load = startLoad();
    await cluster.restart('greeter-1');
    expect(await load.failures()).toEqual([]);
    expect(rowOf('greeter-1')?.pid).not.toBe(before);
  });

  it('fills the slots of a balancer that died and came back', async () => {
    cluster.kill('haproxy');
    await eventually('haproxy answers for both replicas', async () => {
      try {
        return (await answeringReplicas()).length === 2;
      } catch {
        return false;
      }
    });
    expect(rowOf('haproxy')?.restarts).toBe(1);
  });

  it('answers a problem when no replica is there', async () => {
    await cluster.scale('greeter', 0);
    const answer = await get();
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('retry-after')]).toEqual([503, 'application/problem+json', '1']);
    expect(await answer.json()).toMatchObject({ status: 503 });
  });

  it('says which processes there are when asked for one that is not', () => {
    expect(() => cluster.kill('greter-1')).toThrow(/no process "greter-1"; there are greeter-1, greeter-2, haproxy, session-redis/);
  });

  it('runs beside another one in a folder of its own', async () => {
    const other = makeTestDirectory();
    const second = await startCluster({ directory: other, services: 'none', components: ['session-redis'] });
    try {
      expect(second.urls.sessionRedis).not.toBe(cluster.urls.sessionRedis);
      expect(second.processes().map(({ state }) => state)).toEqual(['ready', 'ready']);
    } finally {
      await second.stop();
      removeTestDirectory(other);
    }
  });
});
