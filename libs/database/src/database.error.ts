/**
 * - `bad-cursor`: the text is not a cursor of this list; the caller's fault.
 * - `primary-unavailable`: the write was not done; the primary is down, in recovery or went away before COMMIT.
 * - `outcome-unknown`: the connection broke during COMMIT. Whether the write happened shows only in the data.
 * - `no-node-available`: no node that is up has reached what this context wrote before.
 * - `deadline-exceeded`: the time of whoever asked is up: a statement was ended, or not begun. A transaction is rolled back.
 * - `pool-exhausted`: all connections to the node stayed in use for the whole connect timeout, or too many wait for one.
 * - `unsafe-migration`: a migration would lock, rewrite or break something; it was rolled back.
 * - `write-within-read`: a mistake of the program: a read may be run twice, so it must not write.
 */
export type DatabaseErrorCode =
  | 'bad-cursor'
  | 'primary-unavailable'
  | 'outcome-unknown'
  | 'no-node-available'
  | 'deadline-exceeded'
  | 'pool-exhausted'
  | 'unsafe-migration'
  | 'write-within-read';

/** Milliseconds after which it is worth while to try again; the codes that are missing here will fail again. */
const retryAfter: Partial<Record<DatabaseErrorCode, number>> = {
  'primary-unavailable': 2000,
  'outcome-unknown': 2000,
  'no-node-available': 1000,
  'pool-exhausted': 1000,
};

/** What this library refuses by itself. An error of a statement stays TypeORM's `QueryFailedError`. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** Set when the same may succeed later: callers are told `unavailable`, clients 503 with Retry-After. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: DatabaseErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retryAfterMs = retryAfter[code];
  }
}

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

// pg gives these no code.
const clientMessages =
  /^Connection terminated|^timeout expired|is not queryable$|^timeout exceeded when trying to connect|^Cannot use a pool/;

/** The SQLSTATE or system error code, looked for in the error and in what TypeORM wraps; empty without one. */
export function errorCodeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'driverError' in error ? errorCodeOf(error.driverError) : '';
}

/** Whether the connection, not the statement, is at fault, so that another node may do better. */
export function isConnectionFailure(error: unknown): boolean {
  const code = errorCodeOf(error);
  // Class 08 is connection exception; PgBouncer answers 08P01 when it cannot reach the server.
  if (code.startsWith('08') || ['57P01', '57P02', '57P03', '57P05', '53300'].includes(code)) return true;
  return socketErrors.has(code) || (error instanceof Error && clientMessages.test(error.message));
}

/** Whether a standby cancelled the query to go on replaying (PostgreSQL, "Handling Query Conflicts"). */
export function isRecoveryConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(errorCodeOf(error));
}

/** Whether the server refused a write because it is a standby or the transaction is read only. */
export function isReadOnlyRefusal(error: unknown): boolean {
  return errorCodeOf(error) === '25006';
}

/** Whether a statement was ended, or refused, because its time is up: `query_canceled`, which the server also uses for its own limit. */
export function isOutOfTime(error: unknown): boolean {
  return ['57014', 'deadline-exceeded'].includes(errorCodeOf(error));
}

/** Whether pg-pool gave up waiting: for a connection to become free, or for a new one to be made. */
export function isPoolTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}
