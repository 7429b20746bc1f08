import type { Call } from '@tenfold/contracts';
import { CallError } from '../call.error.ts';
import type { CallIssue } from '../call.error.ts';

/** What a caller is told of a failure. */
export interface Refusal {
  code: string;
  message: string;
  retryAfterMs?: number | undefined;
  issues?: readonly CallIssue[] | undefined;
}

/** Transport codes that mean the same to the caller when they come from a call that the handler itself made. */
const passedOn = new Set(['deadline-exceeded', 'unavailable', 'overloaded']);

/** Transport codes that a handler, or the server for it, may answer with. */
const ofTransport = new Set([...passedOn, 'bad-request', 'cancelled']);

/** Of an error of the libraries underneath: nobody waits any more, so what they were doing has ended. */
const outOfTime = 'deadline-exceeded';

/**
 * An error that says when to try again (`retryAfterMs`) is the failure of something that will be back, such as a
 * database: the caller is told so. Anything else stays what it is.
 */
export function passingFailureOf(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CallError) return error;
  if ('code' in error && error.code === outOfTime) return new CallError(outOfTime, 'the time for it is up', { cause: error });
  if (!('retryAfterMs' in error) || typeof error.retryAfterMs !== 'number') return error;
  return new CallError('unavailable', 'the service cannot do that at the moment', { retryAfterMs: error.retryAfterMs, cause: error });
}

/**
 * Maps whatever a handler threw. A code that the contract does not declare, and any other error, becomes `internal`,
 * with the reason in the log and not in the answer.
 */
export function refusalOf(thrown: unknown, call: Call, log: (entry: object) => void): Refusal {
  const error = passingFailureOf(thrown);
  if (error instanceof CallError) {
    const ofAnotherCall = error.service !== '';
    const known = ofAnotherCall ? passedOn.has(error.code) : ofTransport.has(error.code) || call.errors.includes(error.code);
    if (known) return error;
  }
  // What is no Error has been through Nest's exception filter, which has logged the reason and hidden it.
  if (error instanceof Error) log({ msg: `${call.service}.${call.name} failed`, err: error });
  return { code: 'internal', message: 'the service failed' };
}
