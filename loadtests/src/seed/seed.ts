import { Client, DatabaseError, escapeIdentifier } from 'pg';
import { seededAccounts } from './account.ts';
import { accountsSeed } from './accounts.seed.ts';
import { catalogSeed } from './catalog.seed.ts';
import { inventorySeed } from './inventory.seed.ts';
import { seededOrders } from './order.ts';
import { ordersSeed } from './orders.seed.ts';
import { seededProducts } from './product.ts';
import { readMarker, SEED_VERSION, writeMarker } from './seed-marker.ts';
import { SeedError } from './seed.error.ts';
import type { SeedSize, ServiceSeed } from './service-seed.ts';
import { workerSeed } from './worker.seed.ts';

/** The cluster's PostgreSQL servers, as superuser URLs without a database: `cluster.urls`. */
export interface SeedUrls {
  postgres: {
    primary: string;
    /** Standbys of `primary`; the seed is done when they have replayed it. */
    replicas: readonly string[];
    shard1: string;
  };
}

/** What each database gets. */
const seeds: readonly ServiceSeed[] = [
  catalogSeed,
  ordersSeed(0),
  ordersSeed(1),
  inventorySeed,
  workerSeed,
  accountsSeed,
];

export interface SeedOptions {
  urls: SeedUrls;
  /** Multiplies products, accounts and orders. Default 1, at least 0.01. */
  scale?: number;
  /** One line of news, e.g. `catalog: 100,000 rows in 12.1 s`. */
  onProgress?: (news: string) => void;
  /** End of the order history. Default now, or what an earlier, unfinished run used. */
  until?: Date;
}

/**
 * Fills the databases of all services with a shop of production-like volume, always the same one: 100,000 products in
 * 200 categories, 20,000 accounts, 300,000 orders over 24 months. Each database is one transaction; one that already
 * holds this seed is left as it is.
 *
 * Throws {@link SeedError}: `different-seed` where another scale or version was seeded, `occupied` where rows of the same
 * keys exist, `not-migrated` where tables are missing.
 */
export async function seedAll(options: SeedOptions): Promise<void> {
  const { urls, scale = 1, onProgress = () => {} } = options;
  if (!(scale >= 0.01)) throw new RangeError(`scale must be a number of 0.01 or more, not ${scale}`);

  const markers = await Promise.all(seeds.map((seed) => inDatabase(urls, seed, (client) => readMarker(client, seed, scale))));
  const earlier = markers.find((marker) => marker !== undefined);
  const size = sizeOf(scale, options.until ?? earlier?.until ?? new Date());

  const missing = seeds.filter((_, index) => markers[index] === undefined);
  const results = await Promise.allSettled(missing.map((seed) => write(urls, seed, size, onProgress)));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  if (missing.length > 0) await waitForReplicas(urls);
  if (missing.length < seeds.length) onProgress(`kept from before: ${seeds.filter((seed) => !missing.includes(seed)).map(nameOf).join(', ')}`);
}

/** Months of history. */
const MONTHS = 24;

function sizeOf(scale: number, until: Date): SeedSize {
  const from = new Date(until);
  from.setUTCMonth(from.getUTCMonth() - MONTHS);
  return {
    scale,
    products: seededProducts(scale),
    accounts: seededAccounts(scale),
    orders: seededOrders(scale),
    from,
    until,
  };
}

async function write(
  urls: SeedUrls,
  seed: ServiceSeed,
  size: SeedSize,
  onProgress: (news: string) => void,
): Promise<void> {
  const started = performance.now();
  const rows = await inDatabase(urls, seed, async (client) => {
    try {
      await client.query('BEGIN; SET LOCAL synchronous_commit = off');
      const written = await seed.write(client, size);
      for (const table of seed.tables) await moveSequencesPast(client, table);
      await writeMarker(client, { scale: size.scale, version: SEED_VERSION, until: size.until });
      await client.query('COMMIT');
      await client.query(`VACUUM (ANALYZE) ${seed.tables.join(', ')}`);
      return written;
    } catch (error) {
      throw refusalOf(error, seed);
    }
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  onProgress(`${nameOf(seed)}: ${rows.toLocaleString('en')} rows in ${seconds} s`);
}

/** COPY with explicit ids leaves identity sequences at 1. */
async function moveSequencesPast(client: Client, table: string): Promise<void> {
  const { rows } = await client.query<{ column: string }>(
    `SELECT attname AS column FROM pg_attribute WHERE attrelid = $1::regclass AND attidentity <> '' AND NOT attisdropped`,
    [table],
  );
  for (const { column } of rows) {
    await client.query(
      `SELECT setval(pg_get_serial_sequence($1, $2), max(${escapeIdentifier(column)})) FROM ${table} HAVING count(*) > 0`,
      [table, column],
    );
  }
}

/** A checkpoint now rather than in the middle of what is measured next, then the standbys' answer that they have it all. */
async function waitForReplicas({ postgres: { primary, replicas, shard1 } }: SeedUrls): Promise<void> {
  const [position] = await Promise.all(
    [primary, shard1].map((url) =>
      connected(`${url}/postgres`, async (client) => {
        await client.query('CHECKPOINT');
        const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
        return rows[0]?.lsn;
      }),
    ),
  );
  await Promise.all(
    replicas.map((url) =>
      connected(`${url}/postgres`, async (client) => {
        for (;;) {
          const { rows } = await client.query<{ reached: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1 AS reached', [position]);
          // Else each standby would write all of it to disk in the middle of what is measured next.
          if (rows[0]?.reached) return void (await client.query('CHECKPOINT'));
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }),
    ),
  );
}

function inDatabase<Result>(urls: SeedUrls, seed: ServiceSeed, run: (client: Client) => Promise<Result>): Promise<Result> {
  return connected(`${seed.shard === 1 ? urls.postgres.shard1 : urls.postgres.primary}/${seed.service}`, run);
}

async function connected<Result>(connectionString: string, run: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString, application_name: 'seed' });
  // When one seed fails the cluster stops, and with it the others' connections; their statements say so themselves.
  client.on('error', () => {});
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

function nameOf({ service, shard }: ServiceSeed): string {
  return shard === undefined ? service : `${service} shard ${shard}`;
}

/** PostgreSQL's SQLSTATE for what the user can put right; any other error stays as it is. */
function refusalOf(error: unknown, seed: ServiceSeed): unknown {
  const code = error instanceof DatabaseError ? error.code : undefined;
  if (code === '23505') {
    return new SeedError(
      'occupied',
      `The database "${seed.service}" already holds rows that the seed would write. Stop the cluster, remove .tenfold/ and start again.`,
      { cause: error },
    );
  }
  if (code === '42P01' || code === '42703') {
    return new SeedError('not-migrated', `The database "${seed.service}" lacks a table or column: run its migrations first.`, {
      cause: error,
    });
  }
  return error;
}
