/** Calls within the window from which on their failures say anything. */
const enoughCalls = 20;

/** Share of failures at which it opens. */
const failureShare = 0.5;

/** Milliseconds over which calls are counted; the first half is forgotten when the second is full. */
const windowMs = 10_000;

/** Milliseconds it stays open before the first probe, and between probes. */
const openMs = 1000;
const probeEveryMs = 100;

/** Probes in a row that must succeed for it to close. */
const probesToClose = 3;

/**
 * Stops asking a service that mostly fails: half of the last calls unanswered or unreachable. Then calls fail at once,
 * but for a probe now and then, and their callers' time and memory are free for work that can succeed.
 * Nygard, Release It!, 2nd edition, chapter 5.
 */
export class CircuitBreaker {
  #state: 'closed' | 'open' | 'probing' = 'closed';
  #calls = 0;
  #failures = 0;
  #earlierCalls = 0;
  #earlierFailures = 0;
  #halfSince: number;
  #nextProbeAt = 0;
  #successes = 0;

  /** @param now milliseconds, on any clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.#halfSince = now();
  }

  get open(): boolean {
    return this.#state !== 'closed';
  }

  /** Whether a call may go out. */
  allow(): boolean {
    if (this.#state === 'closed') return true;
    const now = this.now();
    if (now < this.#nextProbeAt) return false;
    this.#nextProbeAt = now + probeEveryMs;
    this.#state = 'probing';
    return true;
  }

  /** Something has changed for the better, e.g. a replica came up: the next call is a probe. */
  hint(): void {
    if (this.#state === 'open') this.#nextProbeAt = 0;
  }

  succeeded(): void {
    this.#turn();
    this.#calls += 1;
    if (this.#state !== 'probing') return;
    this.#successes += 1;
    if (this.#successes >= probesToClose) this.#close();
  }

  failed(): void {
    this.#turn();
    this.#calls += 1;
    this.#failures += 1;
    if (this.#state === 'open') return;
    const calls = this.#calls + this.#earlierCalls;
    const failures = this.#failures + this.#earlierFailures;
    if (this.#state === 'probing' || (calls >= enoughCalls && failures >= failureShare * calls)) this.#open();
  }

  #open(): void {
    this.#state = 'open';
    this.#successes = 0;
    this.#nextProbeAt = this.now() + openMs;
  }

  #close(): void {
    this.#state = 'closed';
    this.#calls = this.#failures = this.#earlierCalls = this.#earlierFailures = 0;
  }

  #turn(): void {
    const now = this.now();
    if (now - this.#halfSince < windowMs / 2) return;
    const stale = now - this.#halfSince > windowMs;
    this.#earlierCalls = stale ? 0 : this.#calls;
    this.#earlierFailures = stale ? 0 : this.#failures;
    this.#calls = this.#failures = 0;
    this.#halfSince = now;
  }
}
