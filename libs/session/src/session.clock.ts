/** How often it is set anew: for so long a step of the server's clock may go unnoticed. */
const resetMs = 10_000;

/**
 * The clock of Redis, counted on from its last answer by this process' steady clock, which nobody sets: it is behind by
 * no more than that answer took to arrive, whatever the time of day is taken to be here.
 */
export class ServerClock {
  readonly #ask: () => Promise<number>;
  #ahead: number | undefined;
  #asking: Promise<void> | undefined;
  #next: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param ask the time of the server, in milliseconds */
  constructor(ask: () => Promise<number>) {
    this.#ask = ask;
  }

  /** Milliseconds since 1970; undefined before the server has been asked. */
  now(): number | undefined {
    return this.#ahead === undefined ? undefined : performance.now() + this.#ahead;
  }

  /** Asks the server, once for all who want to know. @throws what asking throws */
  set(): Promise<void> {
    return (this.#asking ??= this.#set().finally(() => (this.#asking = undefined)));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#next);
  }

  async #set(): Promise<void> {
    try {
      const server = await this.#ask();
      this.#ahead = server - performance.now();
    } finally {
      clearTimeout(this.#next);
      if (!this.#closed) this.#next = setTimeout(() => void this.set().catch(() => undefined), resetMs).unref();
    }
  }
}
