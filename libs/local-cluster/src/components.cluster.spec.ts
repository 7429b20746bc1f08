import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from './cluster.ts';
import type { Cluster } from './cluster.handle.ts';
import { eventually, makeTestDirectory, removeTestDirectory } from './cluster.fixture.ts';
import { kafkaClient } from './components/kafka.component.ts';

/** All components, with the databases and topics of the shop, but without its services. */
describe('the components', () => {
  let directory: string;
  let cluster: Cluster;

  beforeAll(async () => {
    directory = makeTestDirectory();
    cluster = await startCluster({ directory, services: 'none' });
  });

  afterAll(async () => {
    await cluster.stop();
    removeTestDirectory(directory);
  });

  async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  it('copy what is written on the primary to both replicas', async () => {
    const { primary, replicas } = cluster.urls.postgres;
    await query(`${primary}/postgres`, 'CREATE TABLE copied AS SELECT 1 AS one');
    for (const replica of replicas) {
      await eventually('the replica has the table', async () => (await query(`${replica}/postgres`, `SELECT to_regclass('copied') AS found`))[0]?.['found'] !== null);
      expect(await query(`${replica}/postgres`, 'SELECT one FROM copied')).toEqual([{ one: 1 }]);
    }
  });

  it('let each service into its own database alone', async () => {
    const { pgbouncer } = cluster.urls;
    const pools = await query(`${pgbouncer}/pgbouncer`, 'SHOW DATABASES');
    expect(pools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['catalog_primary', 'catalog_replica_1', 'catalog_replica_2', 'orders_shard_0_replica_1', 'orders_shard_1_primary']),
    );
    const rights = await query(
      `${cluster.urls.postgres.primary}/postgres`,
      `SELECT has_database_privilege('catalog', 'catalog', 'CONNECT') AS own, has_database_privilege('catalog', 'accounts', 'CONNECT') AS other`,
    );
    expect(rights).toEqual([{ own: true, other: false }]);
  });

  it('have the topics of all jobs and events, with those of their retries and dead letters', async () => {
    const admin = (await kafkaClient(Number(cluster.urls.kafka.split(':')[1]), { retries: 3 })).admin();
    try {
      await admin.connect();
      expect(await admin.listTopics()).toEqual(
        expect.arrayContaining(['orders.send-receipt', 'orders.send-receipt.retry.1', 'orders.send-receipt.retry.3', 'orders.send-receipt.dead']),
      );
    } finally {
      await admin.disconnect();
    }
  });

  it('let a killed replica follow its primary again', async () => {
    cluster.kill('postgres-replica-1');
    await eventually('it streams again', () => {
      const row = cluster.processes().find(({ name }) => name === 'postgres-replica-1');
      return row?.state === 'ready' && row.restarts > 0;
    });
    expect(await query(`${cluster.urls.postgres.replicas[0]}/postgres`, 'SELECT pg_is_in_recovery() AS copies')).toEqual([{ copies: true }]);
  });

  it('keep their topics through a SIGKILL of the broker', async () => {
    cluster.kill('kafka');
    await eventually('the broker is back', () => cluster.processes().some(({ name, state, restarts }) => name === 'kafka' && state === 'ready' && restarts === 1), 30_000);
    const admin = (await kafkaClient(Number(cluster.urls.kafka.split(':')[1]), { retries: 3 })).admin();
    try {
      await admin.connect();
      expect(await admin.listTopics()).toContain('orders.send-receipt');
    } finally {
      await admin.disconnect();
    }
  });
});
