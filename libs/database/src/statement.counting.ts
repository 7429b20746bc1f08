import { spendStatements } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { statementText } from './statement.name.ts';

/** What begins and ends a transaction is ours, not the handler's. */
const control = /^\s*(start transaction|begin|commit|rollback|savepoint|release)\b/i;

/**
 * Counts, for the request or call that is being answered, each statement that it runs on a connection of the pool. Not for
 * the pool's own `query`: that waits for a connection by a callback, which runs in the request that gave one back.
 */
export function countStatements(pool: Pool): void {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const counted = (...parameters: unknown[]): unknown => {
      const text = statementText(parameters[0]);
      if (!control.test(text)) {
        try {
          spendStatements(1, text);
        } catch (error) {
          return Promise.reject(error as Error);
        }
      }
      return query(...parameters);
    };
    client.query = counted as PoolClient['query'];
  });
}
