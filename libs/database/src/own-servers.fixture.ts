import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { Client } from 'pg';
import { CreateNote1763000000000 } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

/** A primary and two replicas of one test file, to be killed, stopped, delayed and promoted. */
export interface OwnServers {
  cluster: Cluster;
  nodes: TestDatabase;
  /** Runs SQL as superuser: node 0 is the first primary, 1 and 2 are its replicas. */
  on<Row extends object>(node: number, sql: string): Promise<Row[]>;
  /** Sets a server's own setting, and has it take effect. */
  set(node: number, setting: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export const serverNames = ['postgres-primary', 'postgres-replica-1', 'postgres-replica-2'] as const;

export async function startOwnServers(): Promise<OwnServers> {
  const cluster = await startTestCluster({ services: 'none', components: ['postgresql'] });
  const { primary, replicas } = cluster.urls.postgres;
  const nodes = await createTestDatabase({ migrations: [CreateNote1763000000000], primaryUrl: primary, replicaUrls: replicas });
  const urls = [nodes.primaryUrl, ...nodes.replicaUrls];
  const on = async <Row extends object>(node: number, sql: string): Promise<Row[]> => {
    const client = new Client({ connectionString: urls[node], connectionTimeoutMillis: 5000 });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    cluster,
    nodes,
    on,
    async set(node, setting, value) {
      await on(node, `ALTER SYSTEM SET ${setting} = '${value}'`);
      await on(node, 'SELECT pg_reload_conf()');
    },
    stop: () => cluster.stop(),
  };
}

export const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);

export const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
