import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageHandler } from './message.handler.ts';
import type { PartitionProgress } from './partition.progress.ts';
import type { Runner, Work } from './runner.ts';
import type { Slots } from './slots.ts';

/**
 * Handles messages one by one: those of one key in order, many keys at once. A key that waits (its handler is slow, an
 * ordered message is tried again) holds up nothing but itself.
 */
export class KeyedRunner implements Runner {
  readonly #handler: MessageHandler;
  readonly #slots: Slots;
  readonly #shutdown: AbortSignal;
  /** What waits behind the message under way, by key. */
  readonly #waiting = new Map<string, Work[]>();
  readonly #running = new Set<Promise<void>>();
  /** Aborts when a partition's messages are no longer to be handled here. */
  readonly #owned = new WeakMap<PartitionProgress, AbortSignal>();
  #stopped = false;

  constructor(handler: MessageHandler, slots: Slots, shutdown: AbortSignal) {
    this.#handler = handler;
    this.#slots = slots;
    this.#shutdown = shutdown;
  }

  add(work: Work): void {
    const { key } = work.record;
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.push(work);
      return;
    }
    this.#waiting.set(key, []);
    const running = this.#drain(key, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** One signal for all messages of a partition. */
  #ownedOf(progress: PartitionProgress): AbortSignal {
    let owned = this.#owned.get(progress);
    if (!owned) this.#owned.set(progress, (owned = AbortSignal.any([progress.lost, this.#shutdown])));
    return owned;
  }

  async #drain(key: string, first: Work): Promise<void> {
    let work: Work | undefined = first;
    while (work) {
      await this.#finish(work);
      work = this.#waiting.get(key)?.shift();
    }
    this.#waiting.delete(key);
  }

  async #finish({ record, progress }: Work): Promise<void> {
    const signal = this.#ownedOf(progress);
    // In place of what the record says, while it is tried again here.
    let attempt: number | undefined;
    while (!this.#stopped && !signal.aborted) {
      const release = await this.#slots.acquire(this.#handler.message.priority);
      let outcome;
      try {
        if (this.#stopped || signal.aborted) return;
        outcome = await this.#handler.handle(record, signal, attempt);
      } finally {
        release();
      }
      if (outcome.finished) {
        progress.finish(record.offset);
        return;
      }
      attempt = outcome.nextAttempt ?? attempt;
      await sleep(outcome.againInMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }
}
