import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterUrls } from '@tenfold/local-cluster';
import { Client } from 'pg';

export const productCount = 20_000;

/** A database with products on the primary and both replicas, made anew. */
export async function makeProducts({ postgres }: ClusterUrls, database: string): Promise<{ primaryUrl: string; replicaUrls: string[] }> {
  await query(`${postgres.primary}/postgres`, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  await query(`${postgres.primary}/postgres`, `CREATE DATABASE ${database}`);
  const primaryUrl = `${postgres.primary}/${database}`;
  const replicaUrls = postgres.replicas.map((url) => `${url}/${database}`);
  await query(
    primaryUrl,
    `CREATE TABLE products AS SELECT id, 'Walnut desk lamp no. ' || id AS name, repeat('linen ', 30) AS description, 4900 + id AS price_cents
     FROM generate_series(1, ${productCount}) AS id;
     ALTER TABLE products ADD PRIMARY KEY (id)`,
  );
  await query(primaryUrl, 'VACUUM ANALYZE products');
  for (const url of replicaUrls) await untilThere(url);
  return { primaryUrl, replicaUrls };
}

/** The one that the nth reader asks for: a third of all go to a hundredth of the products, as in a shop. */
export function askedFor(n: number): number {
  const share = ((Math.imul(n + 1, 2_654_435_761) >>> 0) % 1_000_003) / 1_000_003;
  return 1 + Math.floor(productCount * share ** 4);
}

async function untilThere(url: string): Promise<void> {
  for (let look = 0; look < 100; look += 1) {
    const count = await query(url, 'SELECT count(*)::int AS count FROM products').catch(() => undefined);
    if (count === productCount) return;
    await sleep(100);
  }
  throw new Error(`${url} has no products after 10 s`);
}

async function query(connectionString: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ count?: number }>(sql);
    return rows?.[0]?.count;
  } finally {
    await client.end();
  }
}
