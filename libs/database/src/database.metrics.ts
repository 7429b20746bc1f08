import { counter, gauge, histogram } from '@tenfold/telemetry';
import { DatabaseError } from './database.error.ts';
import type { DatabaseNode } from './database.node.ts';

/** Share of reads on replicas: `node_role="replica"` by all but `asked-primary`, which no replica could have had. */
export const reads = counter({
  name: 'database_reads_total',
  help: 'Reads by the role of the node that answered; asked-primary: nobody else was to.',
  labelNames: ['database', 'node_role'],
});

export const readRetries = counter({
  name: 'database_read_retries_total',
  help: 'Reads that were tried on a second node because the first one failed.',
  labelNames: ['database'],
});

export const durations = histogram({
  name: 'database_duration_seconds',
  help: 'Time of a whole read or write, waiting for a connection included.',
  labelNames: ['database', 'operation'],
});

export const transactions = counter({
  name: 'database_transactions_total',
  help: 'Writes by how their transaction ended: committed, rolled-back, unknown (the connection broke during COMMIT), refused (no primary or no connection).',
  labelNames: ['database', 'outcome'],
});

/** How a transaction ended that threw. */
export function outcomeOf(error: unknown): 'rolled-back' | 'unknown' | 'refused' {
  if (!(error instanceof DatabaseError)) return 'rolled-back';
  return error.code === 'outcome-unknown' ? 'unknown' : 'refused';
}

export const promotions = counter({
  name: 'database_promotions_total',
  help: 'How often another node became the primary.',
  labelNames: ['database'],
});

/** What the gauges show of a database for as long as it is open. */
export interface Observed {
  readonly name: string;
  readonly nodes: readonly DatabaseNode[];
  lagMs(node: DatabaseNode): number;
  lagBytes(node: DatabaseNode): number;
  roleOf(node: DatabaseNode): 'primary' | 'replica' | 'fenced';
}

const open = new Set<Observed>();

/** Shows a database's nodes in the gauges; returns what takes it out again. */
export function observe(database: Observed): () => void {
  open.add(database);
  return () => {
    open.delete(database);
    for (const node of database.nodes) {
      for (const metric of nodeGauges) metric.remove({ database: database.name, node: node.name });
    }
  };
}

const nodeGauge = (name: string, help: string, valueOf: (node: DatabaseNode, database: Observed) => number) =>
  gauge({
    name,
    help,
    labelNames: ['database', 'node'],
    collect: (metric) => {
      for (const database of open) {
        for (const node of database.nodes) {
          metric.set({ database: database.name, node: node.name }, valueOf(node, database));
        }
      }
    },
  });

const nodeGauges = [
  nodeGauge('database_node_up', '1 while the node answers.', (node) => (node.up ? 1 : 0)),
  nodeGauge('database_pool_used', 'Connections that are in use.', (node) => node.pool.used),
  nodeGauge('database_pool_waiting', 'Reads and writes that wait for a connection.', (node) => node.pool.waiting),
  nodeGauge('database_pool_size', 'Connections that there may be.', (node) => node.pool.size),
  nodeGauge(
    'database_replica_lag_seconds',
    'How long ago, by the clock of this process, the primary was where the node is now.',
    (node, database) => database.lagMs(node) / 1000,
  ),
  nodeGauge('database_replica_lag_bytes', 'Bytes of log that the node has yet to replay.', (node, database) => database.lagBytes(node)),
  nodeGauge(
    'database_node_role',
    '1 for the primary, 0 for a replica, -1 for a former primary that gets no work.',
    (node, database) => ({ primary: 1, replica: 0, fenced: -1 })[database.roleOf(node)],
  ),
];
