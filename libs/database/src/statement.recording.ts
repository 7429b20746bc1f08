import { Client } from 'pg';

export interface RecordedStatement {
  sql: string;
  parameters: unknown[];
}

/**
 * Records the statements that connections made from now on run, for tests that look at their number or their plans.
 * Begin before the connections are made; `take` gives those since the last time, without what begins and ends
 * transactions.
 */
export function recordStatements(): { take(): RecordedStatement[]; stop(): void } {
  const original = Client.prototype.query;
  let recorded: RecordedStatement[] = [];
  Client.prototype.query = function query(this: Client, ...parameters: unknown[]) {
    const [first, values] = parameters;
    const { text, values: own } = typeof first === 'string' ? { text: first, values } : (first as { text?: string; values?: unknown });
    const isOurs = (this as unknown as { connectionParameters: { application_name?: string } }).connectionParameters.application_name === 'tenfold';
    if (isOurs && text !== undefined && !/^\s*(start transaction|commit|rollback|savepoint|release|\/\* node\.look)/i.test(text)) {
      recorded.push({ sql: text, parameters: Array.isArray(own) ? own : [] });
    }
    return (original as (...parameters: unknown[]) => unknown).apply(this, parameters);
  } as typeof original;
  return {
    take() {
      const taken = recorded;
      recorded = [];
      return taken;
    },
    stop() {
      Client.prototype.query = original;
    },
  };
}
