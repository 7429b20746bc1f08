import { Client } from 'pg';
import { reportQueries } from './report.queries.ts';

/** What to ask, and under which name to show it. */
export interface ReportTarget {
  name: string;
  /** URL of a role that may read all statistics (`pg_read_all_stats`). */
  url: string;
}

type Row = Record<string, unknown>;

/**
 * What a database says of itself: slow statements, indexes that are unused, double or missing, bloat, cache hits, long
 * transactions, replication lag. Sections with nothing to show are left out.
 *
 * @returns text for a terminal
 */
export async function reportOn({ name, url }: ReportTarget): Promise<string> {
  const outside = new URL(url);
  const database = outside.pathname.slice(1);
  outside.pathname = '/postgres';
  return withClient(url, (inside) =>
    withClient(outside.href, async (elsewhere) => {
      const { rows } = await inside.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
      const kind = rows[0]?.standby ? 'replica' : 'primary';
      const sections: string[] = [];
      for (const { title, advice, sql, on = kind, fromOutside = false } of reportQueries) {
        if (on !== kind) continue;
        const asked = fromOutside ? elsewhere.query<Row>(sql, [database]) : inside.query<Row>(sql);
        // A section that a server cannot answer, e.g. without the extension, must not take the others with it.
        const answer = await asked.then(({ rows }) => rows, (error: unknown) => [{ problem: String(error) }]);
        if (answer.length > 0) sections.push(`  ${title} (${advice})\n${tableOf(answer)}`);
      }
      return `${name} (${kind})\n${sections.join('\n')}`;
    }),
  );
}

async function withClient<Result>(url: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000, statement_timeout: 30_000 });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function tableOf(rows: readonly Row[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => textOf(row[name])))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) => `    ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}`).join('\n');
}

/** An interval comes as an object that knows how to write itself. */
function textOf(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'object' && 'toPostgres' in value && typeof value.toPostgres === 'function') return String(value.toPostgres());
  return String(value);
}
