import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tenfold/local-cluster/testing';
import { Redis } from 'ioredis';
import { vi } from 'vitest';

interface Node {
  port: number;
  process: ChildProcess;
  redis: Redis;
}

export interface RedisCluster {
  /** Of one of the nodes. */
  url: string;
  /** Kills the primary that holds a key, as kill -9 does; its replica takes over. */
  killPrimaryOf(key: string): Promise<void>;
  /** How many keys each primary holds. */
  keysOfPrimaries(): Promise<number[]>;
  stop(): Promise<void>;
}

const primaries = 3;

/** A Redis Cluster of three primaries and a replica for each, of this machine's `redis-server`. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'tenfold-redis-cluster-'));
  const nodes: Node[] = [];
  const stop = async () => {
    for (const { process, redis } of nodes) {
      redis.disconnect();
      if (process.exitCode !== null || process.signalCode !== null) continue;
      const gone = once(process, 'exit');
      process.kill('SIGKILL');
      await gone;
    }
    await rm(directory, { recursive: true });
  };
  try {
    for (let index = 0; index < 2 * primaries; index += 1) nodes.push(await startNode(directory, index));
    await formCluster(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const [first] = nodes as [Node];
  return {
    url: `redis://127.0.0.1:${first.port}`,
    async killPrimaryOf(key) {
      const slot = Number(await first.redis.call('cluster', 'keyslot', key));
      const index = nodes.slice(0, primaries).findIndex((_, candidate) => slotsOf(candidate)[0] <= slot && slot <= slotsOf(candidate)[1]);
      const { process, redis } = nodes[index] as Node;
      redis.disconnect();
      const gone = once(process, 'exit');
      process.kill('SIGKILL');
      await gone;
    },
    keysOfPrimaries: () => Promise.all(nodes.slice(0, primaries).map(({ redis }) => redis.dbsize())),
    stop,
  };
}

/** Shares out the slots, and waits until all nodes know each other and the replicas are in step. */
async function formCluster(nodes: readonly Node[]): Promise<void> {
  const [first] = nodes as [Node];
  for (const [index, { redis }] of nodes.entries()) {
    if (index < primaries) await redis.call('cluster', 'addslotsrange', ...slotsOf(index));
    if (index > 0) await redis.call('cluster', 'meet', '127.0.0.1', first.port, await busPort(first));
  }
  const idOf = (node: Node) => node.redis.call('cluster', 'myid') as Promise<string>;
  for (const [index, replica] of nodes.slice(primaries).entries()) {
    const primary = await idOf(nodes[index] as Node);
    await vi.waitFor(() => replica.redis.call('cluster', 'replicate', primary), { timeout: 10_000 });
  }
  await vi.waitFor(
    async () => {
      for (const { redis } of nodes) {
        const known = String(await redis.call('cluster', 'nodes'));
        if (!String(await redis.call('cluster', 'info')).includes('cluster_state:ok')) throw new Error('not ready');
        if (known.match(/slave /g)?.length !== primaries) throw new Error('replicas are not known');
      }
      for (const { redis } of nodes.slice(primaries)) {
        if (!(await redis.info('replication')).includes('master_link_status:up')) throw new Error('replica is not in step');
      }
    },
    { timeout: 20_000, interval: 100 },
  );
}

async function startNode(directory: string, index: number): Promise<Node> {
  const [port, bus] = [await freePort(), await freePort()];
  const settings = {
    port,
    'cluster-port': bus,
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    'cluster-enabled': 'yes',
    'cluster-config-file': `node-${index}.conf`,
    'cluster-node-timeout': 1000,
    'cluster-replica-validity-factor': 0,
    'repl-diskless-sync-delay': 0,
  };
  const process = spawn('redis-server', Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: 'ignore' });
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => 100 });
  redis.on('error', () => undefined);
  await redis.ping();
  return { port, process, redis };
}

function slotsOf(index: number): [number, number] {
  const size = Math.ceil(16_384 / primaries);
  return [index * size, Math.min(16_383, (index + 1) * size - 1)];
}

async function busPort({ redis }: Node): Promise<string> {
  const [, port] = (await redis.config('GET', 'cluster-port')) as string[];
  return port ?? '';
}
