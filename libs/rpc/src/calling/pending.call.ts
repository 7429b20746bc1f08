import type { Call } from '@tenfold/contracts';
import type { RequestContext, Span } from '@tenfold/telemetry';
import { raisePosition } from '@tenfold/telemetry';
import { CallError } from '../call.error.ts';
import type { CallErrorOptions } from '../call.error.ts';

/** The connection to a replica, as its calls know it. */
export interface CallCarrier {
  readonly address: string;
  cancel(pending: PendingCall): void;
  /** Lets the service send so many parts more. */
  grant(pending: PendingCall, parts: number): void;
}

/** What takes the parts of a streamed answer. */
export interface PartsReceiver {
  /** Whether anything has come in; then the call cannot be sent again. */
  readonly begun: boolean;
  /** Asks for the first parts; the request is on its way. */
  open(): void;
  push(part: unknown[]): void;
}

/** A call that has no answer yet. */
export class PendingCall {
  readonly startedAt = performance.now();
  readonly answer: Promise<unknown>;
  /** Times it was handed to a connection. */
  attempts = 0;
  /** The replica that has it, and its id there. */
  link: CallCarrier | undefined;
  id = 0;
  /** Value of the connection's `written` from which on the request may have reached the service. */
  sequence = 0;
  /** Whether the request went out by the call's table. */
  byTable = true;
  /** Of all attempts. */
  sentBytes = 0;
  receivedBytes = 0;
  /** Whether it was never sent, so that its failure says nothing of the service. */
  refused = false;
  /** Whether the service itself refused: it is there, whatever it lacks. */
  answered = false;
  settled = false;
  stream: PartsReceiver | undefined;
  #resolve!: (payload: unknown) => void;
  #reject!: (error: CallError) => void;

  constructor(
    readonly call: Call,
    readonly request: unknown,
    readonly context: RequestContext,
    /** Epoch milliseconds. */
    readonly deadline: number,
    private readonly onSettled: (pending: PendingCall, code: string) => void,
    readonly span: Span | undefined,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  succeed(payload: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.onSettled(this, 'ok');
    this.#resolve(payload);
  }

  fail(code: string, message: string, options: CallErrorOptions = {}): void {
    if (this.settled) return;
    this.settled = true;
    this.onSettled(this, code);
    const { service, name } = this.call;
    this.#reject(new CallError(code, message, { ...options, service, call: name }));
  }

  /** Takes over a position that the call raised. */
  raisePosition(database: string, lsn: string): void {
    raisePosition(this.context.positions, database, lsn);
  }
}
