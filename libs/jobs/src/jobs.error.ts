/**
 * - `invalid-payload`: what was to be sent does not fit the message's schema; a fault of the caller.
 * - `invalid-schedule`: a schedule cannot be read, or has the name of another; found at boot.
 * - `doubled-handler`: two handlers of one service handle the same message; found at boot.
 * - `missing-handler`: a message that the service says it handles has no handler; found at boot.
 * - `undeclared-handler`: a handler's message is not among those that the service says it handles; found at boot.
 * - `kafka-unavailable`: Kafka did not take the messages within its retries, or has no leader for a new topic.
 * - `unknown-dead-letter`: there is no such dead letter, or somebody has replayed or discarded it.
 * - `timed-out`: a handler took longer than the message's `timeoutMs`.
 * - `superseded`: a tracked job was cancelled, or another process has begun to run it; whatever this one does is in vain.
 */
export type JobsErrorCode =
  | 'invalid-payload'
  | 'invalid-schedule'
  | 'doubled-handler'
  | 'missing-handler'
  | 'undeclared-handler'
  | 'kafka-unavailable'
  | 'unknown-dead-letter'
  | 'timed-out'
  | 'superseded';

export class JobsError extends Error {
  override readonly name = 'JobsError';

  readonly code: JobsErrorCode;

  constructor(code: JobsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
