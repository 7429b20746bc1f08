import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { randomHex } from './random-hex.ts';

/** What is known about the request, call or job that is being answered, wherever in the code that happens. */
export interface RequestContext {
  /** Given back to the client as `x-request-id` and written into every log line. */
  readonly requestId: string;
  /** 32 hexadecimal digits, W3C Trace Context. */
  readonly traceId: string;
  /** Epoch milliseconds on this process's own clock after which nobody waits for the answer; may be Infinity. */
  readonly deadline: number;
  /** Aborts when the caller has cancelled or is gone. Made when first read. */
  readonly signal: AbortSignal;
  /** Whether {@link signal} has aborted or would have, without making it. */
  readonly cancelled?: boolean;
  /** Database name → LSN that reads must have reached. Raise it by {@link raisePosition}. */
  readonly positions: Positions;
}

/** Database name → PostgreSQL LSN, e.g. `16/B374D848`. */
export type Positions = Map<string, string>;

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `run`, and whatever it starts, in the given context; returns what it returns. */
export function runInContext<Result>(context: RequestContext, run: () => Result): Result {
  return storage.run(context, run);
}

/** The context of whatever is being answered; undefined outside of any request, e.g. during boot. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** A context with everything that is not given: new ids, no deadline, no positions, a signal that never aborts. */
export function createContext(values: Partial<RequestContext> = {}): RequestContext {
  return {
    requestId: values.requestId ?? randomUUID(),
    traceId: values.traceId ?? newTraceId(),
    deadline: values.deadline ?? Infinity,
    positions: values.positions ?? new Map(),
    signal: values.signal ?? never,
  };
}

const never = new AbortController().signal;

/** 32 random hexadecimal digits. */
export function newTraceId(): string {
  return randomHex(16);
}

/** Raises the position of a database; one that is already further stays. */
export function raisePosition(positions: Positions, database: string, lsn: string): void {
  const known = positions.get(database);
  if (known === undefined || compareLsn(lsn, known) > 0) positions.set(database, lsn);
}

/** Negative, zero or positive as `left` lies before, at or after `right`. LSNs are two hexadecimal 32-bit halves. */
export function compareLsn(left: string, right: string): number {
  const leftSlash = left.indexOf('/');
  const rightSlash = right.indexOf('/');
  const high = Number.parseInt(left.slice(0, leftSlash), 16) - Number.parseInt(right.slice(0, rightSlash), 16);
  if (high !== 0) return high;
  return Number.parseInt(left.slice(leftSlash + 1), 16) - Number.parseInt(right.slice(rightSlash + 1), 16);
}
