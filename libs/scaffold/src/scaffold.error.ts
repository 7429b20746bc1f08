export type ScaffoldErrorCode = 'bad-name' | 'taken-name' | 'bad-options' | 'unknown-service' | 'unknown-entity' | 'still-called' | 'unknown-source';

/** A generator refuses: nothing has been written. The message says what to do instead. */
export class ScaffoldError extends Error {
  override readonly name = 'ScaffoldError';
  readonly code: ScaffoldErrorCode;

  constructor(code: ScaffoldErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
