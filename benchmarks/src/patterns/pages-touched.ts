import type { Client } from 'pg';

/** How many pages of table and index the server looks at for a statement. */
export async function pagesTouched(client: Client, sql: string, parameters: readonly unknown[]): Promise<number> {
  const explained = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`, [...parameters]);
  const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
}
