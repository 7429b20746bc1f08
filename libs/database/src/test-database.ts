import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { runMigrations } from './migration.runner.ts';
import type { Migration } from './migration.guard.ts';

export interface TestDatabaseOptions {
  migrations: readonly Migration[];
  /** Superuser URL of the primary. Default: that of the test run's servers. */
  primaryUrl?: string;
  /** URLs of its replicas. Default: those of the test run's servers. */
  replicaUrls?: readonly string[];
}

export interface TestDatabase {
  primaryUrl: string;
  replicaUrls: string[];
  /** Removes it. @throws Error when a connection to it is still open, naming it: that is a leak of the test. */
  drop(): Promise<void>;
}

/**
 * A database for one test file. The migrations run once for each set of them, into a template; every further database
 * is a copy of that, made in some 100 ms. Returns when the replicas have it, too.
 */
export async function createTestDatabase(options: TestDatabaseOptions): Promise<TestDatabase> {
  const primaryUrl = options.primaryUrl ?? inject('servers').postgresPrimary;
  const replicaUrls = options.replicaUrls ?? inject('servers').postgresReplicas;
  const name = `test_${randomBytes(6).toString('hex')}`;
  const position = await withClient(primaryUrl, async (admin) => {
    const template = await ensureTemplate(admin, primaryUrl, options.migrations);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
    return valueOf<string>(await admin.query('SELECT pg_current_wal_lsn()::text AS value'));
  });
  for (const url of replicaUrls) await waitForReplay(url, position);
  return {
    primaryUrl: withDatabase(primaryUrl, name),
    replicaUrls: replicaUrls.map((url) => withDatabase(url, name)),
    async drop() {
      for (const url of replicaUrls) await refuseOpenConnections(url, name);
      // The server itself waits 5 s for connections that are closing, then refuses.
      await withClient(primaryUrl, (admin) => admin.query(`DROP DATABASE ${name}`));
    },
  };
}

async function ensureTemplate(admin: Client, primaryUrl: string, migrations: readonly Migration[]): Promise<string> {
  const sources = migrations.map((migration) => `${new migration().name ?? migration.name}\n${migration}`);
  const hash = createHash('sha256').update(sources.join('\n')).digest();
  const template = `template_${hash.toString('hex', 0, 6)}`;
  // Test files run side by side; one makes the template, the others wait for it.
  await admin.query('SELECT pg_advisory_lock($1)', [hash.readInt32BE()]);
  try {
    const { rows } = await admin.query<{ finished: boolean }>(
      'SELECT datistemplate AS finished FROM pg_database WHERE datname = $1',
      [template],
    );
    if (rows[0]?.finished) return template;
    // Not marked as a template: its making was broken off.
    if (rows[0]) await admin.query(`DROP DATABASE ${template} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${template}`);
    await runMigrations({ url: withDatabase(primaryUrl, template), migrations });
    await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE true ALLOW_CONNECTIONS false`);
    return template;
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1)', [hash.readInt32BE()]);
  }
}

async function waitForReplay(url: string, position: string): Promise<void> {
  await withClient(url, (replica) =>
    until(async () =>
      valueOf<boolean>(await replica.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS value', [position])),
    ),
  );
}

async function refuseOpenConnections(url: string, database: string): Promise<void> {
  await withClient(url, async (admin) => {
    let left: unknown[] = [];
    const closed = async () => {
      const sql = 'SELECT application_name, state, query FROM pg_stat_activity WHERE datname = $1';
      left = (await admin.query(sql, [database])).rows;
      return left.length === 0;
    };
    await until(closed, 1500).catch(() => {
      throw new Error(`connections to ${database} are still open on ${new URL(url).host}: ${JSON.stringify(left)}`);
    });
  });
}

async function until(condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not reached within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withClient<Result>(url: string, run: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: withDatabase(url, 'postgres'), application_name: 'tenfold-test' });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

function valueOf<Value>({ rows }: { rows: { value: Value }[] }): Value {
  const [row] = rows;
  if (!row) throw new Error('no row');
  return row.value;
}
