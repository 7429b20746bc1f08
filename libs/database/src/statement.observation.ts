import { currentContext, spendStatements } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { endsTransaction, isOver, outOfTime, StatementDeadlines } from './statement.deadlines.ts';
import { statementRecorder } from './statement.metrics.ts';
import { statementText } from './statement.name.ts';

/** What begins and ends a transaction is ours, not the handler's. */
const control = /^\s*(start transaction|begin|commit|rollback|savepoint|release)\b/i;

/**
 * Sees every statement on the pool's connections, for the request or call that it belongs to: it is counted against the
 * statement budget, ended when its time is up, and measured. By one wrapper, since each costs a promise a statement.
 *
 * Not for the pool's own `query`: that waits for a connection by a callback, which runs in the request that gave one back.
 */
export function observeStatements(pool: Pool, database: string): void {
  const deadlines = new StatementDeadlines();
  const record = statementRecorder(database);
  pool.on('remove', (client) => deadlines.forget(client));
  pool.on('connect', (client) => {
    const connection = deadlines.connection(client);
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const observed = (...parameters: unknown[]): unknown => {
      const text = statementText(parameters[0]);
      if (!control.test(text)) {
        try {
          spendStatements(1, text);
        } catch (error) {
          return Promise.reject(error as Error);
        }
      }
      const context = currentContext();
      const limited = context && !endsTransaction(text) ? context : undefined;
      if (limited && isOver(limited)) return Promise.reject(outOfTime());
      const startedAt = performance.now();
      const answer = query(...parameters);
      // A stream or a callback is answered otherwise; none of our statements uses them.
      if (!(answer instanceof Promise)) return answer;
      if (limited) deadlines.begin(connection, limited);
      return answer.then(
        (result: unknown) => {
          record?.(text, startedAt);
          const cancelling = limited && deadlines.settle(connection);
          return cancelling ? cancelling.then(() => result) : result;
        },
        async (error: unknown) => {
          record?.(text, startedAt);
          if (limited) await deadlines.settle(connection);
          throw error;
        },
      );
    };
    client.query = observed as PoolClient['query'];
  });
}
