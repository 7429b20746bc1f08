import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { root } from '../cluster.options.ts';
import { maximumReplicas } from '../ports.ts';
import { readDeclarations } from '../service-declaration.ts';
import { poolEntries } from './pgbouncer.component.ts';

/**
 * The shipped sizes of pools, as the running servers have them (docs/pools.md):
 *   of one server:    Σ over its PgBouncer entries of pool_size + reserve ≤ max_connections - superuser_reserved - replication
 *   of PgBouncer:     Σ over services of replicas × nodes × (pool of a process + 1 that watches) ≤ max_client_conn
 */
const servers = inject('servers');
/** Migrations, the seeder, `npm run db`, a person with psql. */
const reserve = 20;
/** `poolSize` of @tenfold/database, and the connection that watches. */
const ofProcess = 10 + 1;

let bouncer: Client;

beforeAll(async () => {
  // Its console knows simple queries only, which is what pg sends without parameters.
  bouncer = new Client({ connectionString: `${servers.pgbouncer}/pgbouncer` });
  await bouncer.connect();
});

afterAll(() => bouncer.end());

const numberOf = async (url: string, setting: string) => {
  const client = new Client({ connectionString: `${url}/postgres` });
  await client.connect();
  const { rows } = await client.query<{ value: string }>(`select current_setting('${setting}') as value`);
  await client.end();
  return Number(rows[0]?.value);
};

test('PgBouncer never opens more connections to a server than it takes', async () => {
  const { rows: all } = await bouncer.query<{ name: string; port: number; pool_size: number; reserve_pool: number }>('SHOW DATABASES');
  const rows = all.filter(({ name }) => name !== 'pgbouncer');
  let seen = 0;
  for (const url of [servers.postgresPrimary, ...servers.postgresReplicas, servers.postgresShard1]) {
    const pools = rows.filter(({ port }) => Number(port) === Number(new URL(url).port));
    const opened = pools.reduce((sum, { pool_size: size, reserve_pool: more }) => sum + size + more, 0);
    const available = (await numberOf(url, 'max_connections')) - (await numberOf(url, 'superuser_reserved_connections'));
    seen += pools.length;
    expect(opened + reserve).toBeLessThanOrEqual(available);
  }
  expect(seen).toBe(rows.length);
  expect(seen).toBeGreaterThan(0);
});

test('as many replicas of each service as a cluster has room for find a place at PgBouncer', async () => {
  const { rows } = await bouncer.query<{ key: string; value: string }>('SHOW CONFIG');
  const maximum = Number(rows.find(({ key }) => key === 'max_client_conn')?.value);
  const nodes = readDeclarations(join(root, 'apps')).flatMap(({ name, database }) =>
    database ? poolEntries(name, database).flatMap(({ primary, replicas }) => [primary, ...replicas]) : [],
  );
  expect(nodes.length * maximumReplicas * ofProcess).toBeLessThanOrEqual(maximum);
});
