import type { Place } from '../kafka/kafka.client.ts';

/** What of one assigned partition has been read and is not finished with. */
export class PartitionProgress {
  readonly place: Place;
  paused = false;
  readonly #lost = new AbortController();
  /** In ascending order, for offsets come in that order and a Set keeps it. */
  readonly #pending = new Set<number>();
  #next: number | undefined;

  constructor(place: Place) {
    this.place = place;
  }

  /** Aborts when the partition belongs to another member. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Where a new owner has to begin; undefined before the first record. */
  get offset(): number | undefined {
    return this.#pending.values().next().value ?? this.#next;
  }

  /** @returns false for a record that was read before, as after a rebalance that left the partition here */
  accept(offset: number): boolean {
    if (this.#next !== undefined && offset < this.#next) return false;
    this.#next = offset + 1;
    this.#pending.add(offset);
    return true;
  }

  finish(offset: number): void {
    this.#pending.delete(offset);
  }

  lose(): void {
    this.#lost.abort();
  }
}
