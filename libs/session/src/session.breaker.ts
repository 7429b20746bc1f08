/** Timeouts in a row after which Redis is left alone. */
const timeoutsToOpen = 5;
/** How often it is asked, while it is left alone, whether it answers again. */
const probeMs = 500;

/**
 * Keeps a slow Redis from making every request wait out the timeout: after some of them, operations fail at once until
 * Redis has answered a question that nobody waits for.
 */
export class SessionBreaker {
  readonly #probe: () => Promise<unknown>;
  #timeouts = 0;
  #probing: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param probe asks Redis for nothing; rejects when it takes too long */
  constructor(probe: () => Promise<unknown>) {
    this.#probe = probe;
  }

  /** @throws Error while Redis is left alone */
  assertAsked(): void {
    if (this.#timeouts >= timeoutsToOpen) throw new Error('Redis did not answer in time lately and is left alone for a moment.');
  }

  answered(): void {
    this.#timeouts = 0;
  }

  failed(error: unknown): void {
    if (!(error instanceof Error) || error.message !== 'Command timed out') return;
    this.#timeouts += 1;
    if (this.#timeouts === timeoutsToOpen) this.#probeLater();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#probing);
  }

  #probeLater(): void {
    clearTimeout(this.#probing);
    if (this.#closed || this.#timeouts < timeoutsToOpen) return;
    this.#probing = setTimeout(() => {
      this.#probe().then(
        () => (this.#timeouts = 0),
        () => this.#probeLater(),
      );
    }, probeMs);
  }
}
