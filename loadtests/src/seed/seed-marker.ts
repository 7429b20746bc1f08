import type { Client } from 'pg';
import { SeedError } from './seed.error.ts';
import type { ServiceSeed } from './service-seed.ts';

/** Raise it with any change to what is seeded: databases that hold an older seed are then refused instead of mixed. */
export const SEED_VERSION = 1;

/** The row that says what a database was seeded with. */
export interface SeedMarker {
  scale: number;
  version: number;
  until: Date;
}

/**
 * What the database was seeded with, undefined for nothing yet.
 * Throws {@link SeedError} `different-seed` when that is not what is asked for.
 */
export async function readMarker(client: Client, { service }: ServiceSeed, scale: number): Promise<SeedMarker | undefined> {
  const table = await client.query<{ present: boolean }>(`SELECT to_regclass('seed') IS NOT NULL AS present`);
  if (!table.rows[0]?.present) return undefined;
  const { rows } = await client.query<SeedMarker>('SELECT scale, version, until FROM seed');
  const marker = rows[0];
  if (marker && (marker.scale !== scale || marker.version !== SEED_VERSION)) {
    throw new SeedError(
      'different-seed',
      `The database "${service}" was seeded with scale ${marker.scale} (version ${marker.version}); ` +
        `asked for is scale ${scale} (version ${SEED_VERSION}). ` +
        `To start over: stop the cluster, remove its folder under .tenfold/ and start it again.`,
    );
  }
  return marker;
}

/** Part of the transaction that writes the rows: either both are there or none. */
export async function writeMarker(client: Client, { scale, version, until }: SeedMarker): Promise<void> {
  await client.query('CREATE TABLE IF NOT EXISTS seed (scale double precision NOT NULL, version integer NOT NULL, until timestamptz NOT NULL)');
  await client.query('INSERT INTO seed (scale, version, until) VALUES ($1, $2, $3)', [scale, version, until]);
}
