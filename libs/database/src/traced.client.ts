import { Client } from 'pg';
import type { QueryResult } from 'pg';
import { Span, startSpan } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import { statementName, statementText } from './statement.name.ts';
import { StatementQuery } from './statement.query.ts';

/** Longest statement text that is kept of a span. */
const longestText = 1000;

type Query = (...parameters: unknown[]) => unknown;

/**
 * A client of pg that records a span for each statement: its text as it was prepared, never its parameters. Handed to the
 * pool instead of the plain one while traces are on. Statements given a callback, as the pool itself does, are
 * not recorded; hot reads have theirs by {@link statementSpan}.
 */
export class TracedClient extends Client {
  override query = ((...parameters: unknown[]): unknown => {
    const query = super.query.bind(this) as Query;
    const span = parameters[0] instanceof StatementQuery ? undefined : startSpan('statement', 'client');
    if (!span) return query(...parameters);
    describe(span, statementText(parameters[0]));
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

/** The span of a statement in a context that is not the current one; undefined while traces are off. */
export function statementSpan(context: RequestContext | undefined, text: string): Span | undefined {
  return context instanceof Span ? describe(context.child('statement', 'client'), text) : undefined;
}

function describe(span: Span, text: string): Span {
  span.name = statementName(text);
  return span.set('db.system.name', 'postgresql').set('db.query.text', text.slice(0, longestText));
}
