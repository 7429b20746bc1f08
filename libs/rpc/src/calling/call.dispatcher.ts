import type { Call } from '@tenfold/contracts';
import { counter, createContext, currentContext, gauge, histogram } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import { watchAddresses } from './address.source.ts';
import type { AddressSource } from './address.source.ts';
import type { CallOptions } from '../call.types.ts';
import { PendingCall } from './pending.call.ts';
import { ReplicaLink } from './replica.link.ts';

/** Milliseconds between looks at deadlines: one timer for all calls in flight. */
const sweepIntervalMs = 20;

/** Milliseconds a call waits for a replica when none is up, if its deadline allows. */
const maxWaitMs = 1000;

export interface DispatcherOptions {
  service: string;
  addresses: string;
  secret: string;
  maxFrameBytes: number;
}

interface Waiting {
  pending: PendingCall;
  until: number;
}

/** Sends the calls of one contract to the replicas that answer them. */
export class CallDispatcher {
  readonly #links = new Map<string, ReplicaLink>();
  /** Links of replicas that are no longer listed and still have calls to answer. */
  readonly #retired = new Set<ReplicaLink>();
  readonly #source: AddressSource;
  readonly #recorders = new Map<string, { observe(seconds: number): void }>();
  readonly #duration = histogram({
    name: 'call_client_duration_seconds',
    help: 'Time from a call to its answer, with all attempts.',
    labelNames: ['service', 'call', 'code'],
  });
  readonly #retries = counter({
    name: 'call_client_retries_total',
    help: 'Calls sent a second time because the first replica was lost.',
    labelNames: ['service', 'call'],
  });
  #waiting: Waiting[] = [];
  #inFlight = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(private readonly options: DispatcherOptions) {
    this.#source = watchAddresses(options.addresses, (list) => this.#follow(list));
    gauge({
      name: 'call_client_in_flight',
      help: 'Calls without an answer yet.',
      labelNames: ['service'],
      collect: (metric) => metric.set({ service: options.service }, this.#inFlight),
    });
  }

  /** Whether any replica can take a call. */
  get reachable(): boolean {
    return this.#candidates().length > 0;
  }

  /** @throws CallError */
  call(call: Call, request: unknown, options: CallOptions | undefined): Promise<unknown> {
    const context = currentContext() ?? createContext();
    const deadline = deadlineOf(call, context, options);
    const pending = new PendingCall(call, request, context, deadline, this.#onSettled);
    this.#inFlight += 1;
    if (options?.signal) this.#followSignal(pending, options.signal);
    if (Date.now() >= deadline) pending.fail('deadline-exceeded', 'no time left');
    else if (options?.signal?.aborted) pending.fail('cancelled', 'given up by the caller');
    else {
      this.#sweeper ??= setInterval(() => this.#sweep(), sweepIntervalMs);
      this.#dispatch(pending);
    }
    return pending.answer;
  }

  /** Closes all connections. Calls without an answer fail with `unavailable`. */
  close(): void {
    this.#closed = true;
    this.#source.close();
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
    for (const link of [...this.#links.values(), ...this.#retired]) link.close();
    for (const { pending } of this.#waiting.splice(0)) pending.fail('unavailable', 'the client is closed');
  }

  /** Nest calls it when the last request has ended. */
  onApplicationShutdown(): void {
    this.close();
  }

  #dispatch(pending: PendingCall): void {
    const link = this.#pick();
    if (!link) {
      if (this.#closed) pending.fail('unavailable', 'the client is closed');
      else this.#waiting.push({ pending, until: Math.min(pending.deadline, Date.now() + maxWaitMs) });
      return;
    }
    try {
      link.send(pending);
    } catch (cause) {
      pending.fail('bad-request', 'the request cannot be sent', { cause });
    }
  }

  /** The less busy one of two at random, which comes close to the least busy of all: Mitzenmacher 2001. */
  #pick(): ReplicaLink | undefined {
    const candidates = this.#candidates();
    if (candidates.length < 2) return candidates[0];
    const first = Math.floor(Math.random() * candidates.length);
    const second = (first + 1 + Math.floor(Math.random() * (candidates.length - 1))) % candidates.length;
    const [left, right] = [candidates[first] as ReplicaLink, candidates[second] as ReplicaLink];
    return left.outstanding <= right.outstanding ? left : right;
  }

  #candidates(): ReplicaLink[] {
    const candidates: ReplicaLink[] = [];
    for (const link of this.#links.values()) if (link.ready) candidates.push(link);
    return candidates;
  }

  #follow(addresses: readonly string[]): void {
    if (this.#closed) return;
    const wanted = new Set(addresses);
    for (const [address, link] of this.#links) {
      if (wanted.has(address)) continue;
      this.#links.delete(address);
      link.retire();
      this.#retired.add(link);
    }
    for (const address of wanted) {
      if (!this.#links.has(address)) this.#links.set(address, this.#open(address));
    }
  }

  #open(address: string): ReplicaLink {
    const { service, secret, maxFrameBytes } = this.options;
    return new ReplicaLink(address, {
      service,
      secret,
      maxFrameBytes,
      onReady: () => {
        for (const { pending } of this.#waiting.splice(0)) this.#dispatch(pending);
      },
      onLost: (calls, reason) => {
        for (const { pending, written } of calls) this.#onLost(pending, written, reason);
      },
    });
  }

  #onLost(pending: PendingCall, written: boolean, reason: string): void {
    if (this.#closed || pending.attempts > 1 || (written && !pending.call.idempotent)) {
      pending.fail('unavailable', `connection lost: ${reason}`);
      return;
    }
    this.#retries.inc({ service: pending.call.service, call: pending.call.name });
    this.#dispatch(pending);
  }

  #followSignal(pending: PendingCall, signal: AbortSignal): void {
    const onAbort = () => this.#giveUp((candidate) => candidate === pending, 'cancelled', 'given up by the caller');
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
    this.#giveUp((pending) => pending.deadline <= now, 'deadline-exceeded', 'no answer in time');
    if (this.#waiting.length === 0) return;
    const over = this.#waiting.filter(({ until }) => until <= now);
    this.#waiting = this.#waiting.filter(({ until }) => until > now);
    for (const { pending } of over) pending.fail('unavailable', `no replica is up: ${this.#failures()}`);
  }

  #giveUp(isOver: (pending: PendingCall) => boolean, code: string, message: string): void {
    const giveUp = (pending: PendingCall) => pending.fail(code, message);
    for (const link of this.#links.values()) link.cancel(isOver, giveUp);
    for (const link of this.#retired) {
      link.cancel(isOver, giveUp);
      if (link.outstanding === 0) this.#retired.delete(link);
    }
    const over = this.#waiting.filter(({ pending }) => isOver(pending));
    if (over.length === 0) return;
    this.#waiting = this.#waiting.filter(({ pending }) => !isOver(pending));
    for (const { pending } of over) giveUp(pending);
  }

  #failures(): string {
    const reasons = new Set([...this.#links.values()].map((link) => link.lastFailure));
    return reasons.size > 0 ? [...reasons].join('; ') : 'no address known';
  }

  readonly #onSettled = ({ call, startedAt }: PendingCall, code: string): void => {
    this.#inFlight -= 1;
    const key = `${call.name} ${code}`;
    let recorder = this.#recorders.get(key);
    if (!recorder) {
      recorder = this.#duration.labels({ service: call.service, call: call.name, code });
      this.#recorders.set(key, recorder);
    }
    recorder.observe((performance.now() - startedAt) / 1000);
  };
}

function deadlineOf(call: Call, context: RequestContext, options: CallOptions | undefined): number {
  const own = Date.now() + Math.min(options?.deadlineMs ?? Infinity, call.deadlineMs);
  return Math.min(own, context.deadline);
}
