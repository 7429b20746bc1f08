import { Logger } from '@nestjs/common';
import { histogram, metricsEnabled, roundTripBuckets } from '@tenfold/telemetry';
import { statementName } from './statement.name.ts';

const logger = new Logger('Database');

/** As in the server's own log (`log_min_duration_statement`), which has the text but not the request's id. */
const slowMs = 250;

/**
 * Measures statements, each until its answer is complete; a slow one is logged.
 *
 * @returns undefined while metrics are off; else what is called with a statement's text and when it was sent
 */
export function statementRecorder(database: string): ((text: string, startedAt: number) => void) | undefined {
  if (!metricsEnabled) return undefined;
  const durations = histogram({
    name: 'database_statement_duration_seconds',
    help: 'Time until a statement was answered, failed ones included, waiting for a connection excluded.',
    labelNames: ['database', 'statement'],
    buckets: roundTripBuckets,
  });
  const recorders = new Map<string, { observe(seconds: number): void }>();
  return (text, startedAt) => {
    const tookMs = performance.now() - startedAt;
    const statement = statementName(text);
    let recorder = recorders.get(statement);
    if (!recorder) recorders.set(statement, (recorder = durations.labels({ database, statement })));
    recorder.observe(tookMs / 1000);
    if (tookMs >= slowMs) logger.warn({ msg: 'slow statement', database, statement, tookMs: Math.round(tookMs) });
  };
}
