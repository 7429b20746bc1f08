/**
 * Answers Prometheus what PgBouncer's console says, by the names of prometheus-community/pgbouncer_exporter, which takes
 * its place where containers run; Debian's package of another exporter fails on every PgBouncer since 1.8.
 * Usage: PGBOUNCER_URL=… node pgbouncer-exporter.main.ts <host> <port>
 */
import { createServer } from 'node:http';
import { Client } from 'pg';

interface Metric {
  column: string;
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  /** The console's microseconds become seconds. */
  factor?: number;
}

interface Table {
  command: string;
  /** Column → label. */
  labels: Readonly<Record<string, string>>;
  metrics: readonly Metric[];
}

const gauge = (column: string, name: string, help: string): Metric => ({ column, name, help, type: 'gauge' });
const counter = (column: string, name: string, help: string, factor?: number): Metric => ({ column, name, help, type: 'counter', ...(factor && { factor }) });

const tables: readonly Table[] = [
  {
    command: 'SHOW POOLS',
    labels: { database: 'database', user: 'user' },
    metrics: [
      gauge('cl_active', 'pools_client_active_connections', 'Clients that are paired with a server connection or idle.'),
      gauge('cl_waiting', 'pools_client_waiting_connections', 'Clients that wait for a server connection.'),
      gauge('sv_active', 'pools_server_active_connections', 'Server connections in use by a client.'),
      gauge('sv_idle', 'pools_server_idle_connections', 'Server connections that can be used at once.'),
      gauge('maxwait', 'pools_client_maxwait_seconds', 'How long the first client in the queue has waited.'),
    ],
  },
  {
    command: 'SHOW STATS',
    labels: { database: 'database' },
    metrics: [
      counter('total_query_count', 'stats_queries_pooled_total', 'Statements.'),
      counter('total_xact_count', 'stats_sql_transactions_pooled_total', 'Transactions.'),
      counter('total_query_time', 'stats_queries_duration_seconds_total', 'Time that statements took.', 1e-6),
      counter('total_wait_time', 'stats_client_wait_seconds_total', 'Time that clients waited for a server connection.', 1e-6),
    ],
  },
  {
    command: 'SHOW DATABASES',
    labels: { name: 'name' },
    metrics: [gauge('pool_size', 'databases_pool_size', 'Server connections that there may be.')],
  },
];

type Row = Readonly<Record<string, unknown>>;

async function readConsole(): Promise<Map<Table, Row[]>> {
  const client = new Client({ connectionString: process.env['PGBOUNCER_URL'], connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const answers = new Map<Table, Row[]>();
    for (const table of tables) answers.set(table, (await client.query<Row>(table.command)).rows);
    return answers;
  } finally {
    await client.end().catch(() => {});
  }
}

function page(answers: ReadonlyMap<Table, readonly Row[]>): string {
  const lines: string[] = [];
  for (const [{ labels, metrics }, rows] of answers) {
    for (const { column, name, type, help, factor = 1 } of metrics) {
      lines.push(`# HELP pgbouncer_${name} ${help}`, `# TYPE pgbouncer_${name} ${type}`);
      for (const row of rows) {
        const pairs = Object.entries(labels).map(([from, to]) => `${to}="${String(row[from])}"`);
        lines.push(`pgbouncer_${name}{${pairs.join(',')}} ${Number(row[column]) * factor}`);
      }
    }
  }
  return lines.join('\n');
}

const [host, port] = process.argv.slice(2);
createServer((request, response) => {
  const answer = (up: 0 | 1, text = '') =>
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(`# HELP pgbouncer_up 1 while PgBouncer answers.\n# TYPE pgbouncer_up gauge\npgbouncer_up ${up}\n${text}\n`);
  if (request.url !== '/metrics') response.writeHead(request.url === '/' ? 200 : 404).end();
  else readConsole().then((answers) => answer(1, page(answers)), () => answer(0));
}).listen(Number(port), host);
