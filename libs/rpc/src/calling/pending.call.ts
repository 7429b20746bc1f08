import type { Call } from '@tenfold/contracts';
import type { RequestContext } from '@tenfold/telemetry';
import { raisePosition } from '@tenfold/telemetry';
import { CallError } from '../call.error.ts';
import type { CallErrorOptions } from '../call.error.ts';

/** A call that has no answer yet. */
export class PendingCall {
  readonly startedAt = performance.now();
  readonly answer: Promise<unknown>;
  /** Times it was handed to a connection. */
  attempts = 0;
  /** Value of the connection's `written` from which on the request may have reached the service. */
  sequence = 0;
  #resolve!: (payload: unknown) => void;
  #reject!: (error: CallError) => void;

  constructor(
    readonly call: Call,
    readonly request: unknown,
    readonly context: RequestContext,
    /** Epoch milliseconds. */
    readonly deadline: number,
    private readonly onSettled: (pending: PendingCall, code: string) => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  succeed(payload: unknown): void {
    this.onSettled(this, 'ok');
    this.#resolve(payload);
  }

  fail(code: string, message: string, options: CallErrorOptions = {}): void {
    this.onSettled(this, code);
    const { service, name } = this.call;
    this.#reject(new CallError(code, message, { ...options, service, call: name }));
  }

  /** Takes over the positions that the call raised. */
  raisePositions(raised: unknown): void {
    if (raised === null || typeof raised !== 'object') return;
    for (const [database, lsn] of Object.entries(raised)) raisePosition(this.context.positions, database, String(lsn));
  }
}
