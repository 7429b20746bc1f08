import type { Call } from '@tenfold/contracts';
import { createContext, currentContext, startSpan } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import { callSpanName, endCallSpan } from '../call.span.ts';
import type { CallOptions } from '../call.types.ts';
import { CertificateDirectory } from '../wire/call.certificates.ts';
import { FrameError } from '../wire/frame.codec.ts';
import { MisfitError } from '../wire/table.writer.ts';
import { CircuitBreaker } from './circuit.breaker.ts';
import { DispatcherMetrics } from './dispatcher.metrics.ts';
import { PendingCall } from './pending.call.ts';
import type { CallCarrier } from './pending.call.ts';
import { ReplicaPool } from './replica.pool.ts';
import { RetryBudget } from './retry.budget.ts';
import { StreamedAnswer } from './streamed.answer.ts';

/** Milliseconds between looks at deadlines: one timer for all calls in flight. */
const sweepIntervalMs = 20;

/** Milliseconds a call waits for a replica when none is up, if its deadline allows. */
const maxWaitMs = 1000;

/** Times a call is sent at most, and milliseconds before it is sent again after a refusal, doubled each time. */
const maxAttempts = 3;
const backoffMs = 20;

/** When a caller may try again whose call was not even sent. */
const refusedRetryAfterMs = 1000;

export interface DispatcherOptions {
  service: string;
  addresses: string;
  secret: string;
  tlsDirectory: string | undefined;
  maxFrameBytes: number;
  /** Calls in work at once; further ones fail with `overloaded`. */
  maxInFlight: number;
}

/** A call that waits for a replica to come up. */
interface Waiting {
  pending: PendingCall;
  until: number;
}

/** A call that was refused and goes out again. */
interface Delayed {
  pending: PendingCall;
  at: number;
}

/** Sends the calls of one contract to the replicas that answer them. */
export class CallDispatcher {
  readonly #pool: ReplicaPool;
  readonly #budget = new RetryBudget();
  readonly #breaker = new CircuitBreaker();
  readonly #metrics: DispatcherMetrics;
  #waiting: Waiting[] = [];
  #delayed: Delayed[] = [];
  #inFlight = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: DispatcherOptions) {
    const { service, addresses, secret, tlsDirectory, maxFrameBytes } = options;
    this.#pool = new ReplicaPool({
      service,
      addresses,
      secret,
      certificates: tlsDirectory === undefined ? undefined : new CertificateDirectory(tlsDirectory),
      maxFrameBytes,
      onReady: () => this.#onReady(),
      onRefused: this.#onRefused,
      onLost: (calls, reason) => {
        for (const { pending, written } of calls) this.#onLost(pending, written, reason);
      },
    });
    this.#metrics = new DispatcherMetrics(service, { inFlight: () => this.#inFlight, replicas: () => this.#pool.states });
  }

  /** Whether any replica can take a call. */
  get reachable(): boolean {
    return this.#pool.reachable;
  }

  /** @throws CallError */
  call(call: Call, request: unknown, options: CallOptions | undefined): Promise<unknown> {
    const pending = this.#create(call, request, options);
    this.#start(pending, options?.signal);
    return pending.answer;
  }

  /** The call of a stream. */
  stream(call: Call, request: unknown, options: CallOptions | undefined): StreamedAnswer {
    const pending = this.#create(call, request, options);
    const answer = new StreamedAnswer(pending, () => this.#giveUp(pending, 'cancelled', 'given up by the caller'));
    this.#start(pending, options?.signal);
    return answer;
  }

  /** Closes all connections. Calls without an answer fail with `unavailable`. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    this.#pool.close();
    for (const { pending } of [...this.#waiting, ...this.#delayed]) pending.fail('unavailable', 'the client is closed');
  }

  /** Nest calls it when the last request has ended. */
  onApplicationShutdown(): void {
    this.close();
  }

  #create(call: Call, request: unknown, options: CallOptions | undefined): PendingCall {
    const span = startSpan(callSpanName(call), 'client');
    const context = span ?? currentContext() ?? createContext();
    this.#inFlight += 1;
    return new PendingCall(call, request, context, deadlineOf(call, context, options), this.#onSettled, span);
  }

  #start(pending: PendingCall, signal: AbortSignal | undefined): void {
    if (signal) this.#followSignal(pending, signal);
    if (Date.now() >= pending.deadline) pending.fail('deadline-exceeded', 'no time left');
    else if (signal?.aborted) pending.fail('cancelled', 'given up by the caller');
    else if (this.#inFlight > this.options.maxInFlight) this.#refuse(pending, 'bulkhead', 'too many calls in work');
    else if (!this.#breaker.allow()) this.#refuse(pending, 'circuit-open', 'it has failed most of the last calls');
    else {
      this.#budget.countCall();
      this.#sweeper ??= setInterval(() => this.#sweep(), sweepIntervalMs);
      this.#dispatch(pending);
    }
  }

  #refuse(pending: PendingCall, reason: 'bulkhead' | 'circuit-open', message: string): void {
    this.#metrics.refused(reason);
    pending.refused = true;
    const code = reason === 'bulkhead' ? 'overloaded' : 'unavailable';
    pending.fail(code, message, { retryAfterMs: refusedRetryAfterMs });
  }

  #dispatch(pending: PendingCall, except?: CallCarrier): void {
    if (pending.settled) return;
    const replica = this.#pool.pick(except);
    if (!replica) {
      if (this.#closed) pending.fail('unavailable', 'the client is closed');
      else this.#waiting.push({ pending, until: Math.min(pending.deadline, Date.now() + maxWaitMs) });
      return;
    }
    try {
      replica.link.send(pending);
    } catch (cause) {
      pending.refused = true;
      pending.fail('bad-request', 'the request cannot be sent', { ...issuesOf(cause), cause });
    }
  }

  #onReady(): void {
    this.#breaker.hint();
    for (const { pending } of this.#waiting.splice(0)) this.#dispatch(pending);
  }

  #onLost(pending: PendingCall, written: boolean, reason: string): void {
    if (this.#closed || pending.stream?.begun || (written && !pending.call.idempotent) || !this.#mayRetry(pending)) {
      pending.fail('unavailable', `connection lost: ${reason}`);
      return;
    }
    this.#dispatch(pending, pending.link);
  }

  /** Another replica may have room. Returns false where the refusal stands. */
  readonly #onRefused = (pending: PendingCall, code: string): boolean => {
    if (code !== 'overloaded' || !pending.call.idempotent || !this.#mayRetry(pending)) return false;
    // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    this.#delayed.push({ pending, at: Date.now() + Math.random() * backoffMs * 2 ** pending.attempts });
    return true;
  };

  #mayRetry(pending: PendingCall): boolean {
    if (pending.attempts >= maxAttempts) return false;
    if (!this.#budget.take()) {
      this.#metrics.refused('retry-budget');
      return false;
    }
    this.#metrics.retried(pending.call);
    return true;
  }

  #followSignal(pending: PendingCall, signal: AbortSignal): void {
    const onAbort = () => this.#giveUp(pending, 'cancelled', 'given up by the caller');
    signal.addEventListener('abort', onAbort, { once: true });
    const forget = () => signal.removeEventListener('abort', onAbort);
    pending.answer.then(forget, forget);
  }

  #sweep(): void {
    if (this.#inFlight === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
      return;
    }
    const now = Date.now();
    for (const pending of this.#pool.look(now)) this.#giveUpIfOver(pending, now);
    for (const pending of this.#pool.stranded()) if (this.#mayRetry(pending)) this.#sendElsewhere(pending);
    if (this.#waiting.length > 0) this.#sweepWaiting(now);
    if (this.#delayed.length > 0) this.#sweepDelayed(now);
  }

  #sendElsewhere(pending: PendingCall): void {
    const { link } = pending;
    link?.cancel(pending);
    this.#dispatch(pending, link);
  }

  #sweepWaiting(now: number): void {
    for (const { pending, until } of this.#waiting) {
      this.#giveUpIfOver(pending, now);
      if (until <= now) pending.fail('unavailable', `no replica is up: ${this.#pool.failures}`);
    }
    this.#waiting = this.#waiting.filter(({ pending }) => !pending.settled);
  }

  #sweepDelayed(now: number): void {
    const delayed = this.#delayed;
    this.#delayed = [];
    for (const entry of delayed) {
      this.#giveUpIfOver(entry.pending, now);
      if (entry.at <= now) this.#dispatch(entry.pending, entry.pending.link);
      else if (!entry.pending.settled) this.#delayed.push(entry);
    }
  }

  #giveUpIfOver(pending: PendingCall, now: number): void {
    if (pending.deadline <= now) this.#giveUp(pending, 'deadline-exceeded', 'no answer in time');
    else if (pending.context.cancelled) this.#giveUp(pending, 'cancelled', 'its own caller is gone');
  }

  #giveUp(pending: PendingCall, code: string, message: string): void {
    pending.link?.cancel(pending);
    pending.fail(code, message);
  }

  readonly #onSettled = (pending: PendingCall, code: string): void => {
    this.#inFlight -= 1;
    if (pending.span) endCallSpan(pending.span.set('rpc.attempts', pending.attempts), pending.call, code);
    const milliseconds = performance.now() - pending.startedAt;
    this.#metrics.settled(pending, code, milliseconds);
    if (pending.refused || code === 'cancelled') return;
    const timedOut = code === 'deadline-exceeded' && 2 * milliseconds >= pending.call.deadlineMs;
    const failed = !pending.answered && (code === 'unavailable' || timedOut);
    if (failed) this.#breaker.failed();
    else this.#breaker.succeeded();
    const record = pending.link && this.#pool.recordOf(pending.link);
    if (failed || code === 'internal') record?.failed();
    else record?.succeeded(milliseconds);
  };
}

function issuesOf(cause: unknown): { issues?: { path: string[]; message: string }[] } {
  // The first part of the path is the payload's place in the frame.
  if (cause instanceof MisfitError) return { issues: [{ path: cause.path.split('.').slice(1), message: `is not ${cause.expected}` }] };
  return cause instanceof FrameError ? { issues: [{ path: [], message: cause.message }] } : {};
}

function deadlineOf(call: Call, context: RequestContext, options: CallOptions | undefined): number {
  const own = Date.now() + Math.min(options?.deadlineMs ?? Infinity, call.deadlineMs);
  return Math.min(own, context.deadline);
}
