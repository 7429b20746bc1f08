import type { PartsReceiver, PendingCall } from './pending.call.ts';

/** Parts of a stream that are on their way while the caller works on one. */
const partsAhead = 4;

/** What a call of a stream returns. The service sends a part for each one that the caller has taken. */
export class StreamedAnswer implements AsyncIterableIterator<unknown>, PartsReceiver {
  #parts: unknown[][] = [];
  #position = 0;
  #ended: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(
    private readonly pending: PendingCall,
    private readonly giveUp: () => void,
  ) {
    pending.stream = this;
    pending.answer.then(
      () => this.#end({}),
      (error: unknown) => this.#end({ error }),
    );
  }

  begun = false;

  open(): void {
    this.pending.link?.grant(this.pending, partsAhead);
  }

  push(part: unknown[]): void {
    this.begun = true;
    this.#parts.push(part);
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    for (;;) {
      const part = this.#parts[0];
      if (part) {
        if (this.#position < part.length) {
          this.#position += 1;
          return { done: false, value: part[this.#position - 1] };
        }
        this.#parts.shift();
        this.#position = 0;
        if (!this.#ended) this.pending.link?.grant(this.pending, 1);
      } else if (this.#ended) {
        if ('error' in this.#ended) throw this.#ended.error;
        return { done: true, value: undefined };
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The caller has left its loop. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    this.#parts = [];
    if (!this.#ended) this.giveUp();
    this.#ended = {};
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(ended: { error?: unknown }): void {
    this.#ended ??= ended;
    this.#wake?.();
  }
}
