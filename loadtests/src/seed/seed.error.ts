/** Why a seed was not made: the closed set of reasons. */
export type SeedErrorCode = 'different-seed' | 'occupied' | 'not-migrated';

/** The seed was refused; nothing was written to the database it names. */
export class SeedError extends Error {
  readonly code: SeedErrorCode;

  constructor(code: SeedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SeedError';
    this.code = code;
  }
}
