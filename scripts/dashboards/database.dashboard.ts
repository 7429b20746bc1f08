import type { Dashboard } from './dashboard.ts';
import { perSecond, quantile } from './promql.ts';

const busiest = (query: string) => `topk(10, ${query})`;

export const database: Dashboard = {
  name: 'database',
  title: 'Database',
  description: 'What the services ask of PostgreSQL, what they wait for, and how its nodes are.',
  rows: {
    'As the services see it': [
      {
        title: 'Statement p95 by name',
        description: 'The slowest ten. A name is what a comment in front of the statement says, else what it does to which table.',
        unit: 's',
        queries: { '{{database}} {{statement}}': busiest(quantile(0.95, 'database_statement_duration_seconds', 'database, statement')) },
      },
      {
        title: 'Statements: time by name',
        description: 'Seconds a second, the ten that cost most: where the time of the database goes.',
        unit: 'short',
        queries: { '{{database}} {{statement}}': busiest(perSecond('database_statement_duration_seconds_sum', 'database, statement')) },
      },
      {
        title: 'Transactions per second',
        description: 'By how they ended. Unknown: the connection broke during COMMIT.',
        unit: 'ops',
        queries: { '{{database}} {{outcome}}': perSecond('database_transactions_total', 'database, outcome') },
      },
      {
        title: 'Reads and writes: p95',
        description: 'Whole reads and writes, waiting for a connection included.',
        unit: 's',
        queries: { '{{database}} {{operation}}': quantile(0.95, 'database_duration_seconds', 'database, operation') },
      },
      {
        title: 'Reads on replicas',
        description: 'Share of reads that the primary is spared.',
        unit: 'percentunit',
        queries: { '{{database}}': `${perSecond('database_reads_total', 'database', '{node_role="replica"}')} / ${perSecond('database_reads_total', 'database', '{node_role!="asked-primary"}')}` },
      },
      {
        title: 'Replica lag',
        description: 'By the clock of the services; from 5 s on a replica gets no reads.',
        unit: 's',
        limit: 5,
        queries: { '{{database}} {{node}}': 'max by (database, node) (database_replica_lag_seconds)' },
      },
    ],
    Pools: [
      {
        title: 'Connections in use',
        description: 'Of all replicas together, by node.',
        unit: 'short',
        queries: { '{{database}} {{node}}': 'sum by (database, node) (database_pool_used)' },
      },
      {
        title: 'Pool used',
        description: 'Share of what the services may open to a node.',
        unit: 'percentunit',
        limit: 0.9,
        queries: { '{{database}} {{node}}': 'sum by (database, node) (database_pool_used) / sum by (database, node) (database_pool_size)' },
      },
      {
        title: 'Waiting for a connection',
        description: 'Reads and writes; now and then is what a pool is for, all the time is too little.',
        unit: 'short',
        queries: { '{{database}} {{node}}': 'sum by (database, node) (database_pool_waiting)' },
      },
      {
        title: 'PgBouncer: server connections in use',
        description: 'By database and node, of what `default_pool_size` allows.',
        unit: 'short',
        queries: { '{{database}}': 'sum by (database) (pgbouncer_pools_server_active_connections)' },
      },
      {
        title: 'PgBouncer: clients waiting',
        description: 'Clients without a server connection, and how long the first of them has waited.',
        unit: 'short',
        queries: { '{{database}}': 'sum by (database) (pgbouncer_pools_client_waiting_connections)', '{{database}} seconds': 'max by (database) (pgbouncer_pools_client_maxwait_seconds)' },
      },
      {
        title: 'PgBouncer: statements',
        description: 'By database and node.',
        unit: 'ops',
        queries: { '{{database}}': perSecond('pgbouncer_stats_queries_pooled_total', 'database') },
      },
    ],
    Nodes: [
      {
        title: 'Connections by node',
        description: 'Sessions of PostgreSQL, by state.',
        unit: 'short',
        queries: { '{{node}} {{state}}': 'sum by (node, state) (pg_stat_activity_count)' },
      },
      {
        title: 'Longest transaction',
        description: 'It holds locks, keeps vacuum back and fills pools.',
        unit: 's',
        queries: { '{{node}}': 'max by (node) (pg_stat_activity_max_tx_duration)' },
      },
      {
        title: 'Locks',
        description: 'Held, by mode.',
        unit: 'short',
        queries: { '{{node}} {{mode}}': 'sum by (node, mode) (pg_locks_count)' },
      },
      {
        title: 'Bytes not yet replayed',
        description: 'What the primary has written and a replica does not show yet.',
        unit: 'bytes',
        queries: { '{{application_name}}': 'max by (application_name) (pg_stat_replication_pg_wal_lsn_diff)' },
      },
      {
        title: 'Pages found in memory',
        description: 'Share of pages that PostgreSQL found in its own buffers.',
        unit: 'percentunit',
        queries: { '{{node}}': 'sum by (node) (rate(pg_stat_database_blks_hit[$rate])) / (sum by (node) (rate(pg_stat_database_blks_hit[$rate])) + sum by (node) (rate(pg_stat_database_blks_read[$rate])) > 0)' },
      },
      {
        title: 'Size',
        description: 'Of the databases on disk.',
        unit: 'bytes',
        queries: { '{{node}} {{datname}}': 'sum by (node, datname) (pg_database_size_bytes{datname!~"template.*|postgres"})' },
      },
    ],
  },
};
