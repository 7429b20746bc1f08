import { currentContext, spendStatements } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import type { Pool, PoolClient } from 'pg';
import { endsTransaction, isOver, outOfTime, StatementDeadlines } from './statement.deadlines.ts';
import { statementRecorder } from './statement.metrics.ts';
import { statementText } from './statement.name.ts';
import { StatementQuery } from './statement.query.ts';
import type { Answered, SentValue } from './statement.query.ts';
import type { Statement } from './statement.ts';
import { statementSpan } from './traced.client.ts';

/** What begins and ends a transaction is ours, not the handler's. */
const control = /^\s*(start transaction|begin|commit|rollback|savepoint|release)\b/i;

/**
 * Sees every statement on the pool's connections, for the request or call that it belongs to: it is counted against the
 * statement budget, ended when its time is up, and measured. By one wrapper, since each costs a promise a statement.
 *
 * Not for the pool's own `query`: that waits for a connection by a callback, which runs in the request that gave one back.
 */
export class StatementObserver {
  readonly #deadlines = new StatementDeadlines();
  readonly #record: ReturnType<typeof statementRecorder>;

  constructor(pool: Pool, database: string) {
    this.#record = statementRecorder(database);
    pool.on('remove', (client) => this.#deadlines.forget(client));
    pool.on('connect', (client) => this.#observe(client));
  }

  /**
   * Counts a hot read that whoever calls this is about to run.
   *
   * @returns the context in which it runs
   * @throws BudgetError
   * @throws DatabaseError `deadline-exceeded`
   */
  admit({ text }: Statement<unknown>): RequestContext | undefined {
    spendStatements(1, text);
    const context = currentContext();
    if (context && isOver(context)) throw outOfTime();
    return context;
  }

  /**
   * Runs a hot read that was admitted, in whatever context that happens.
   *
   * @param answered called when the connection may go to others
   */
  run<Row>(client: PoolClient, statement: Statement<Row>, values: readonly SentValue[], prepared: boolean, context: RequestContext | undefined, answered: Answered<Row>): void {
    // It may have waited for its connection until nobody waited for it.
    if (context && isOver(context)) return answered(outOfTime(), []);
    const connection = this.#deadlines.connection(client);
    const span = statementSpan(context, statement.text);
    const startedAt = performance.now();
    const query = new StatementQuery<Row>(statement, values, prepared, (failure, rows) => {
      this.#record?.(statement.text, startedAt);
      if (span) (failure ? span.fail(failure) : span.set('db.response.returned_rows', rows.length)).end();
      const cancelling = context && this.#deadlines.settle(connection);
      if (cancelling) void cancelling.then(() => answered(failure, rows));
      else answered(failure, rows);
    });
    if (context) this.#deadlines.begin(connection, context);
    client.query(query);
  }

  #observe(client: PoolClient): void {
    const deadlines = this.#deadlines;
    const record = this.#record;
    const connection = deadlines.connection(client);
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    const observed = (...parameters: unknown[]): unknown => {
      if (parameters[0] instanceof StatementQuery) return query(parameters[0]);
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
  }
}
