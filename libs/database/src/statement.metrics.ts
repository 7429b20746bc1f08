import { Logger } from '@nestjs/common';
import { histogram, metricsEnabled, roundTripBuckets } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { statementName, statementText } from './statement.name.ts';

const logger = new Logger('Database');

/** As in the server's own log (`log_min_duration_statement`), which has the text but not the request's id. */
const slowMs = 250;

/**
 * Measures every statement that runs on a connection of the pool, each until its answer is complete; a slow one is
 * logged.
 */
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
      const statement = statementName(statementText(parameters[0]));
      let recorder = recorders.get(statement);
      if (!recorder) recorders.set(statement, (recorder = durations.labels({ database, statement })));
      const record = () => {
        const tookMs = performance.now() - startedAt;
        recorder.observe(tookMs / 1000);
        if (tookMs >= slowMs) logger.warn({ msg: 'slow statement', database, statement, tookMs: Math.round(tookMs) });
      };
      answer.then(record, record);
      return answer;
    };
    client.query = measured as PoolClient['query'];
  });
}
