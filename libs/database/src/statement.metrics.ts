import { histogram, metricsEnabled, roundTripBuckets } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { statementName } from './statement.name.ts';

/** Measures every statement that runs on a connection of the pool, each until its answer is complete. */
export function measureStatements(pool: Pool, database: string): void {
  if (!metricsEnabled) return;
  const durations = histogram({
    name: 'database_statement_duration_seconds',
    help: 'Time until a statement was answered, failed ones included, waiting for a connection excluded.',
    labelNames: ['database', 'statement'],
    buckets: roundTripBuckets,
  });
  const recorders = new Map<string, { observe(seconds: number): void }>();
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const measured = (...parameters: unknown[]) => {
      const startedAt = performance.now();
      const answer = query(...parameters);
      // A stream or a callback is answered otherwise; none of our statements uses them.
      if (!(answer instanceof Promise)) return answer;
      const statement = statementName(textOf(parameters[0]));
      let recorder = recorders.get(statement);
      if (!recorder) recorders.set(statement, (recorder = durations.labels({ database, statement })));
      const record = () => recorder.observe((performance.now() - startedAt) / 1000);
      answer.then(record, record);
      return answer;
    };
    client.query = measured as PoolClient['query'];
  });
}

function textOf(statement: unknown): string {
  if (typeof statement === 'string') return statement;
  return typeof statement === 'object' && statement !== null && 'text' in statement ? String(statement.text) : '';
}
