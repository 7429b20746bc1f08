/** Timeouts in a row after which Redis is left alone for `pauseMs`; then one command tries again. */
const timeoutsToOpen = 5;
const pauseMs = 1_000;

/**
 * Keeps a slow Redis from making every request wait out the timeout: after some of them, operations fail at once, and
 * one a second tries again.
 */
export class SessionBreaker {
  #timeouts = 0;
  #openUntil = 0;

  /** @throws Error while Redis is left alone */
  async run<Answer>(send: () => Promise<Answer>): Promise<Answer> {
    if (this.#timeouts >= timeoutsToOpen) {
      const now = performance.now();
      if (now < this.#openUntil) throw new Error('Redis did not answer in time lately and is left alone for a moment.');
      this.#openUntil = now + pauseMs;
    }
    try {
      const answer = await send();
      this.#timeouts = 0;
      return answer;
    } catch (error) {
      if (error instanceof Error && error.message === 'Command timed out') {
        this.#timeouts += 1;
        if (this.#timeouts === timeoutsToOpen) this.#openUntil = performance.now() + pauseMs;
      }
      throw error;
    }
  }
}
