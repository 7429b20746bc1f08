export type LoadtestErrorCode = 'no-k6' | 'k6-failed' | 'no-log-in' | 'bad-option' | 'no-result' | 'no-holdings' | 'no-kubernetes';

/** For a person: the message says what to do. */
export class LoadtestError extends Error {
  override readonly name = 'LoadtestError';

  readonly code: LoadtestErrorCode;

  constructor(code: LoadtestErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
