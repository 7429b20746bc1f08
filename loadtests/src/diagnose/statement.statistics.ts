import type { ClusterUrls } from '@tenfold/local-cluster';
import { Client } from 'pg';

/** What a statement cost on one node between two readings of pg_stat_statements. */
export interface StatementCost {
  node: string;
  database: string;
  statement: string;
  calls: number;
  milliseconds: number;
}

type Reading = ReadonlyMap<string, StatementCost>;

/** Adds up what each node's servers did since they started, for each database and statement. */
export async function readStatements({ postgres }: Pick<ClusterUrls, 'postgres'>): Promise<Reading> {
  const nodes = [['primary', postgres.primary], ...postgres.replicas.map((url, index) => [`replica ${index + 1}`, url] as const), ['shard 1', postgres.shard1]] as const;
  const costs = await Promise.all(nodes.map(([node, url]) => readNode(node, url)));
  return new Map(costs.flat().map((cost) => [`${cost.node} ${cost.database} ${cost.statement}`, cost]));
}

/** Longest in sum first. */
export function statementsBetween(before: Reading, after: Reading): StatementCost[] {
  const costs = [...after].map(([key, cost]): StatementCost => {
    const { calls = 0, milliseconds = 0 } = before.get(key) ?? {};
    return { ...cost, calls: cost.calls - calls, milliseconds: cost.milliseconds - milliseconds };
  });
  return costs.filter(({ calls }) => calls > 0).sort((a, b) => b.milliseconds - a.milliseconds);
}

async function readNode(node: string, url: string): Promise<StatementCost[]> {
  const client = new Client({ connectionString: `${url}/postgres` });
  await client.connect();
  try {
    const { rows } = await client.query<Omit<StatementCost, 'node'>>(
      `SELECT datname AS database, query AS statement, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS milliseconds
       FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid GROUP BY 1, 2`,
    );
    return rows.map((row) => ({ node, ...row }));
  } finally {
    await client.end();
  }
}
