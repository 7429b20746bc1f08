import { Client, Pool } from 'pg';
import { DataSource } from 'typeorm';
import { guarded } from './migration.guard.ts';
import type { Migration } from './migration.guard.ts';

export interface MigrationOptions {
  /** PostgreSQL itself, not PgBouncer: the lock and the limits below belong to a session. */
  url: string;
  /** Classes whose `name` ends in a timestamp of 13 digits, by which they are ordered; those of libraries among them. */
  migrations: readonly Migration[];
  /** Milliseconds a statement waits for a lock before the migration fails, so that traffic never queues behind it. Default 5000. */
  lockTimeoutMs?: number;
  /** Milliseconds one statement may take. Default 10 minutes. */
  statementTimeoutMs?: number;
  /** Rows from which a table is large: what would go through or rewrite it under a lock is refused. Default 10,000; 0 for a test that wants to know all. */
  largeRows?: number;
}

// Any number does, as long as nothing else in the same database uses it.
const migrationLock = 7_350_041;

/**
 * Applies what is missing, each migration in a transaction of its own. Two runs at once are safe: the second waits,
 * then finds nothing to do.
 *
 * @returns the names of those applied now
 * @throws DatabaseError `unsafe-migration` with what to do instead
 */
export async function runMigrations(options: MigrationOptions): Promise<string[]> {
  const { url, migrations, lockTimeoutMs = 5000, statementTimeoutMs = 600_000, largeRows = 10_000 } = options;
  const lock = new Client({ connectionString: url, application_name: 'tenfold-migrate' });
  await lock.connect();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    const dataSource = new DataSource({
      type: 'postgres',
      // Looked up by its name, it would not be found beside a bundle.
      driver: { Pool },
      url,
      applicationName: 'tenfold-migrate',
      migrations: migrations.map((migration) => guarded(migration, largeRows)),
      migrationsTransactionMode: 'each',
      installExtensions: false,
      synchronize: false,
      logging: false,
      poolSize: 1,
      extra: { lock_timeout: lockTimeoutMs, statement_timeout: statementTimeoutMs },
    });
    await dataSource.initialize();
    try {
      const applied = await dataSource.runMigrations();
      return applied.map((migration) => migration.name);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}

/** The URLs in `DATABASE_PRIMARY_URL` or every `DATABASE_SHARD_<n>_PRIMARY_URL`, shards in order. */
export function migrationTargets(environment: Readonly<Record<string, string | undefined>>): string[] {
  const single = environment['DATABASE_PRIMARY_URL'];
  if (single) return [single];
  const shards: string[] = [];
  for (let shard = 0; ; shard += 1) {
    const url = environment[`DATABASE_SHARD_${shard}_PRIMARY_URL`];
    if (!url) return shards;
    shards.push(url);
  }
}

/**
 * The whole of an app's `migrate.main.ts`: applies the migrations to the database or to each shard named by the
 * environment, prints one line for each and sets the exit code.
 */
export async function migrateMain(migrations: readonly Migration[]): Promise<void> {
  const targets = migrationTargets(process.env);
  if (targets.length === 0) {
    process.stderr.write('Nothing to migrate: set DATABASE_PRIMARY_URL, or DATABASE_SHARD_0_PRIMARY_URL and on.\n');
    process.exitCode = 1;
    return;
  }
  for (const url of targets) {
    const { host, pathname } = new URL(url);
    try {
      const applied = await runMigrations({ url, migrations });
      process.stdout.write(`${host}${pathname}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}\n`);
    } catch (error) {
      process.stderr.write(`${host}${pathname}: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
      return;
    }
  }
}
