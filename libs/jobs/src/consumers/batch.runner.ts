import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchHandler } from './batch.handler.ts';
import type { Runner, Work } from './runner.ts';
import type { Slots } from './slots.ts';

export interface BatchLimits {
  /** Messages handled together at most. */
  size: number;
  /** Milliseconds that the first message of a batch waits for others. */
  lingerMs: number;
}

/** Handles the messages of a topic in batches, one batch at a time, over all of the partitions assigned. */
export class BatchRunner implements Runner {
  readonly #handler: BatchHandler;
  readonly #limits: BatchLimits;
  readonly #slots: Slots;
  readonly #shutdown: AbortSignal;
  #waiting: Work[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(handler: BatchHandler, limits: BatchLimits, slots: Slots, shutdown: AbortSignal) {
    this.#handler = handler;
    this.#limits = limits;
    this.#slots = slots;
    this.#shutdown = shutdown;
  }

  add(work: Work): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#running || this.#stopped || this.#waiting.length === 0) return;
    if (this.#waiting.length >= this.#limits.size) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#begin();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#begin();
      }, this.#limits.lingerMs);
    }
  }

  #begin(): void {
    if (this.#running || this.#stopped) return;
    this.#running = this.#finish(this.#waiting.splice(0, this.#limits.size)).finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  async #finish(batch: readonly Work[]): Promise<void> {
    while (!this.#stopped) {
      const owned = batch.filter(({ progress }) => !progress.lost.aborted);
      if (owned.length === 0) return;
      const release = await this.#slots.acquire(this.#handler.message.priority);
      let againInMs;
      try {
        if (this.#stopped) return;
        againInMs = await this.#handler.handle(owned.map(({ record }) => record));
      } finally {
        release();
      }
      if (againInMs === 0) {
        for (const { record, progress } of owned) progress.finish(record.offset);
        return;
      }
      await sleep(againInMs, undefined, { signal: this.#shutdown, ref: false }).catch(() => {});
    }
  }
}
