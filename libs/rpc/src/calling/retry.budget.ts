/** Seconds over which calls and retries are counted. */
const windowSeconds = 10;

/** Retries for each call, and for each second. */
const perCall = 0.2;
const perSecond = 10;

/**
 * How many calls may be sent again: a fifth of all calls and ten a second, counted over ten seconds, so that a service
 * that fails is not asked twice as often for it. Numbers and window are those of Finagle:
 * https://twitter.github.io/finagle/guide/Clients.html#retries
 */
export class RetryBudget {
  /** By second, modulo the window. */
  readonly #calls = new Float64Array(windowSeconds);
  readonly #retries = new Float64Array(windowSeconds);
  readonly #startedAt: number;
  #second: number;

  /** @param now seconds, on any clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now() / 1000) {
    this.#startedAt = now();
    this.#second = Math.floor(this.#startedAt);
  }

  countCall(): void {
    this.#turn();
    const slot = this.#second % windowSeconds;
    this.#calls[slot] = (this.#calls[slot] as number) + 1;
  }

  /** Whether one more retry is within the budget; if so, it is counted. */
  take(): boolean {
    this.#turn();
    const seconds = Math.min(windowSeconds, 1 + this.now() - this.#startedAt);
    if (sum(this.#retries) + 1 > perCall * sum(this.#calls) + perSecond * seconds) return false;
    const slot = this.#second % windowSeconds;
    this.#retries[slot] = (this.#retries[slot] as number) + 1;
    return true;
  }

  /** Forgets the seconds that have left the window. */
  #turn(): void {
    const second = Math.floor(this.now());
    if (second === this.#second) return;
    const passed = Math.min(windowSeconds, second - this.#second);
    for (let back = 0; back < passed; back += 1) {
      const slot = (second - back) % windowSeconds;
      this.#calls[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#second = second;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
