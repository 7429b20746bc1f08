import { RpcException } from '@nestjs/microservices';

/**
 * What can go wrong with any call, beside the codes of its contract:
 * - `bad-request`: the request does not fit the contract's schema; `issues` says where. Nothing was done.
 * - `deadline-exceeded`: the time is up. Whether anything was done is unknown.
 * - `unavailable`: no replica could be reached, or the connection was lost before the answer.
 * - `overloaded`: refused before any work, by the service or for lack of room on the way; try after `retryAfterMs`.
 * - `incompatible`: the other side speaks another protocol, is another service, or does not know the call.
 * - `cancelled`: the caller gave up by its signal.
 * - `internal`: the service failed; the reason is in its log under the same request id.
 */
export type TransportErrorCode = (typeof transportErrorCodes)[number];

export const transportErrorCodes = [
  'bad-request',
  'deadline-exceeded',
  'unavailable',
  'overloaded',
  'incompatible',
  'cancelled',
  'internal',
] as const;

/** One place where a request does not fit its schema. */
export interface CallIssue {
  path: readonly (string | number)[];
  message: string;
}

export interface CallErrorOptions {
  service?: string;
  call?: string;
  retryAfterMs?: number;
  issues?: readonly CallIssue[];
  cause?: unknown;
}

/**
 * A call that was refused or failed. A handler throws it with a code that its contract declares; any other code, and
 * any other error, reaches the caller as `internal` and the log in full.
 */
export class CallError extends RpcException {
  override readonly name = 'CallError';
  /** Of the contract, or of {@link TransportErrorCode}. */
  readonly code: string;
  /** The service that was called; empty while a handler throws it. */
  readonly service: string;
  readonly call: string;
  /** Milliseconds after which another attempt makes sense. */
  readonly retryAfterMs: number | undefined;
  /** With `bad-request`: what is wrong where. */
  readonly issues: readonly CallIssue[] | undefined;

  constructor(code: string, message: string, options: CallErrorOptions = {}) {
    super(message);
    this.code = code;
    this.service = options.service ?? '';
    this.call = options.call ?? '';
    this.retryAfterMs = options.retryAfterMs;
    this.issues = options.issues;
    if (options.cause !== undefined) this.cause = options.cause;
  }

  /** Nest's exception filter hands on what this returns: the error itself, so that nothing of it is lost. */
  override getError(): this {
    return this;
  }
}
