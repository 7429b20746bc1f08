import { Client } from 'pg';

/** Runs statements on a connection of their own, outside of any transaction, one after the other: for `vacuum` and the like in tests. */
export async function runSql(url: string, ...statements: readonly (readonly [sql: string, parameters?: unknown[]])[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const [sql, parameters] of statements) await client.query(sql, parameters);
  } finally {
    await client.end();
  }
}
