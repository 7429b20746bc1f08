import { counter, gauge } from '@tenfold/telemetry';
import { ConcurrencyLimit } from './concurrency.limit.ts';
import type { ConcurrencyLimitOptions } from './concurrency.limit.ts';

/** Who is refused first when there is too much to do. */
export type Priority = 'low' | 'normal' | 'high';

/** Share of the limit that work of a priority may fill. */
const shares: Record<Priority, number> = { low: 0.7, normal: 0.9, high: 1 };

const byImportance = ['high', 'normal', 'low'] as const;

/**
 * Milliseconds of one turn of the event loop in which work is started: handlers that compute must not keep answers,
 * pings and refusals from going out until all of them have run.
 */
const turnMs = 5;

/** What the event loop is taken to need for one piece of work before any was measured, and how fast that is corrected. */
const firstGuessMs = 0.25;
const followWork = 0.3;

/** How long the queue of a priority may be: in a burst, and with too much work, there as a share of the limit. */
const burstLength = 2000;
const overloadedShare = 0.25;

interface Waiting {
  start: () => void;
  refuse: () => void;
  until: number;
}

/** `ADMISSION=off` admits everything at once, to see what that costs: a process's setting, since each listener of it has a limit. */
const admitsAll = process.env['ADMISSION'] === 'off';

export interface AdmissionOptions extends ConcurrencyLimitOptions {
  /** What is admitted, for metrics: `http` or `calls`. */
  kind: string;
  /**
   * Milliseconds that work waits for room at most: an answer that comes much later is an answer to nobody. A queue that
   * has not been empty for that long is no burst but too much work. Default 200, for callers whose own callers wait.
   */
  maxWaitMs?: number;
}

/**
 * Admits work up to a limit that follows latency. A burst waits for its turn; once there has been too much work for
 * longer than that may take, the queue is short, the newest goes first, since what has waited longest has the least time left, low
 * priorities do not wait at all, and the rest is refused at once.
 * Beyer et al., Site Reliability Engineering, chapter 21; adaptive LIFO and a time limit that tells bursts from overload
 * are Facebook's, https://queue.acm.org/detail.cfm?id=2839461.
 */
export class Admission {
  readonly #limit: ConcurrencyLimit;
  readonly #maxWaitMs: number;
  readonly #now: () => number;
  readonly #refused: (priority: Priority) => void;
  /** Newest last. */
  readonly #queues: Record<Priority, Waiting[]> = { low: [], normal: [], high: [] };
  /** Since when something has been waiting all the time. */
  #waitingSince = Infinity;
  /** When the first work of this turn was started. */
  #turnSince: number | undefined;
  /** How much was started since the handlers started before have computed, and when the first of it was. */
  #started = 0;
  #startedSince = 0;
  /** Milliseconds that a handler computes before it waits for something. */
  #workMs = firstGuessMs;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ kind, maxWaitMs = 200, ...options }: AdmissionOptions) {
    this.#maxWaitMs = maxWaitMs;
    this.#limit = new ConcurrencyLimit(options);
    this.#now = options.now ?? (() => performance.now());
    const refused = counter({
      name: 'admission_refused_total',
      help: 'Work refused because there was too much of it.',
      labelNames: ['kind', 'priority'],
    });
    for (const priority of Object.keys(shares)) refused.inc({ kind, priority }, 0);
    this.#refused = (priority) => refused.inc({ kind, priority });
    const labelNames = ['kind'] as const;
    gauge({ name: 'admission_limit', help: 'Work admitted at once.', labelNames, collect: (metric) => metric.set({ kind }, this.#limit.limit) });
    gauge({ name: 'admission_in_flight', help: 'Work admitted and not done yet.', labelNames, collect: (metric) => metric.set({ kind }, this.#inFlight) });
    gauge({ name: 'admission_waiting', help: 'Work that waits for room.', labelNames, collect: (metric) => metric.set({ kind }, this.waiting) });
  }

  get waiting(): number {
    return this.#queues.low.length + this.#queues.normal.length + this.#queues.high.length;
  }

  get limit(): number {
    return this.#limit.limit;
  }

  /** Calls `start` now or soon, or `refuse`. Whatever was started calls {@link done} once. */
  admit(priority: Priority, start: () => void, refuse: () => void): void {
    if (admitsAll) {
      this.#inFlight += 1;
      start();
      return;
    }
    const now = this.#now();
    if (this.#hasRoom(priority) && this.#hasTime(now)) {
      this.#begin(start, now);
      return;
    }
    if (this.waiting === 0) this.#waitingSince = now;
    const queue = this.#queues[priority];
    queue.push({ start, refuse, until: now + this.#maxWaitMs });
    if (queue.length > this.#maxLength(priority, now)) this.#drop(priority);
    this.#timer ??= setInterval(() => this.#dropOverdue(), this.#maxWaitMs / 4).unref();
  }

  /**
   * @param kind of work, such as a route: latencies are compared within it
   * @param counts whether its latency says something of this service's load
   */
  done(kind: string, milliseconds: number, counts = true): void {
    if (counts) this.#limit.sample(kind, milliseconds, this.#inFlight);
    this.#inFlight -= 1;
    if (this.waiting > 0) this.#awaitTurn(this.#now());
  }

  #begin(start: () => void, now: number): void {
    this.#awaitTurn(now);
    this.#inFlight += 1;
    this.#started += 1;
    if (this.#started === 1) {
      this.#startedSince = now;
      // Handlers run in microtasks: the tick after them is when all that was started has computed.
      queueMicrotask(() => process.nextTick(this.#afterWork));
    }
    start();
  }

  /** Whether this turn has time for one more: what was started may have all of its computing still to do. */
  #hasTime(now: number): boolean {
    if (this.#turnSince === undefined) return true;
    const computedAt = this.#started > 0 ? this.#startedSince + this.#started * this.#workMs : now;
    return Math.max(now, computedAt) - this.#turnSince < turnMs;
  }

  #awaitTurn(now: number): void {
    if (this.#turnSince !== undefined) return;
    this.#turnSince = now;
    setImmediate(this.#nextTurn);
  }

  readonly #afterWork = (): void => {
    const now = this.#now();
    this.#workMs += ((now - this.#startedSince) / this.#started - this.#workMs) * followWork;
    this.#started = 0;
    if (this.waiting > 0) this.#startWaiting();
  };

  readonly #nextTurn = (): void => {
    this.#turnSince = undefined;
    if (this.waiting === 0) return;
    this.#dropOverdue();
    this.#startWaiting();
  };

  #hasRoom(priority: Priority): boolean {
    return this.#inFlight < this.#limit.limit * shares[priority];
  }

  #maxLength(priority: Priority, now: number): number {
    if (!this.#overloaded(now)) return burstLength;
    return priority === 'low' ? 0 : Math.max(4, this.#limit.limit * overloadedShare);
  }

  #overloaded(now: number): boolean {
    return now - this.#waitingSince > this.#maxWaitMs;
  }

  #startWaiting(): void {
    const newestFirst = this.#overloaded(this.#now());
    for (const priority of byImportance) {
      const queue = this.#queues[priority];
      while (queue.length > 0 && this.#hasRoom(priority)) {
        const now = this.#now();
        if (!this.#hasTime(now)) return;
        const next = newestFirst ? queue.pop() : queue.shift();
        if (next) this.#begin(next.start, now);
      }
    }
    if (this.waiting === 0) this.#waitingSince = Infinity;
  }

  #drop(priority: Priority): void {
    const oldest = this.#queues[priority].shift();
    if (!oldest) return;
    this.#refused(priority);
    oldest.refuse();
  }

  #dropOverdue(): void {
    const now = this.#now();
    for (const priority of byImportance) {
      const queue = this.#queues[priority];
      while (queue[0] && queue[0].until <= now) this.#drop(priority);
    }
    if (this.waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
