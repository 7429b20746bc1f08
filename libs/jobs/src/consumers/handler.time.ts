import type { Message } from '@tenfold/contracts';
import { JobsError } from '../jobs.error.ts';

/**
 * The time that a handler has for its work: until its message's timeout, or until the message is no longer this process's
 * to handle. `end` lets go of all of it, where `AbortSignal.timeout` and `any` would be held until the time is up.
 */
export class HandlerTime {
  readonly #controller = new AbortController();
  readonly #over = Promise.withResolvers<never>();
  readonly #owned: readonly AbortSignal[];
  readonly #timer: NodeJS.Timeout;
  readonly #takeAway: (event: Event) => void;

  constructor({ topic, timeoutMs }: Message, ...owned: readonly AbortSignal[]) {
    this.#owned = owned;
    this.#over.promise.catch(() => {});
    const stop = (reason: unknown) => {
      this.#controller.abort(reason);
      this.#over.reject(new JobsError('timed-out', `${topic} took longer than ${timeoutMs} ms, or was handed back`));
    };
    this.#takeAway = ({ target }) => stop((target as AbortSignal).reason);
    this.#timer = setTimeout(() => stop(new DOMException(`${timeoutMs} ms are over`, 'TimeoutError')), timeoutMs).unref();
    for (const signal of owned) {
      if (signal.aborted) stop(signal.reason);
      else signal.addEventListener('abort', this.#takeAway, { once: true });
    }
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Ends with the work or with the time. @throws JobsError `timed-out` */
  limit<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([work, this.#over.promise]);
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#owned) signal.removeEventListener('abort', this.#takeAway);
  }
}
