/**
 * - `store-unavailable`: Redis did not answer in time or refused. Nothing is known about the session: never treat it as "none".
 * - `session-ended`: the session to write to is over, or the account's sessions were ended while one was being made;
 *   nothing was written.
 * - `cart-full`: the cart holds {@link cartLimit} other products already.
 */
export type SessionErrorCode = 'store-unavailable' | 'session-ended' | 'cart-full';

/** The only error that the session store throws for what happens at run time. */
export class SessionError extends Error {
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SessionError';
    this.code = code;
  }
}

/** Whether Redis found something other than what the command is for. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE');
}
