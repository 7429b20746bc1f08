import { Client } from 'pg';
import type { QueryResult } from 'pg';
import { startSpan } from '@tenfold/telemetry';
import { statementName, statementText } from './statement.name.ts';

/** Longest statement text that is kept of a span. */
const longestText = 1000;

type Query = (...parameters: unknown[]) => unknown;

/**
 * A client of pg that records a span for each statement: its text as it was prepared, never its parameters. Handed to the
 * pool instead of the plain one while traces are on. Statements given a callback, as the pool itself does, are not recorded.
 */
export class TracedClient extends Client {
  override query = ((...parameters: unknown[]): unknown => {
    const query = super.query.bind(this) as Query;
    const span = startSpan('statement', 'client');
    if (!span) return query(...parameters);
    const text = statementText(parameters[0]);
    span.name = statementName(text);
    span.set('db.system.name', 'postgresql').set('db.query.text', text.slice(0, longestText));
    const answer = query(...parameters);
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (result: QueryResult | QueryResult[]) => {
        // Absent for several statements in one.
        if (!Array.isArray(result)) span.set('db.response.returned_rows', result.rowCount ?? 0);
        span.end();
        return result;
      },
      (error: unknown) => {
        span.fail(error).end();
        throw error;
      },
    );
  }) as Client['query'];
}
