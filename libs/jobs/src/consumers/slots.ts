import type { Priority } from '@tenfold/contracts';

const order: readonly Priority[] = ['high', 'normal', 'low'];

/** How many handlers of a process run at once. A free slot goes to who has waited longest in the highest priority class. */
export class Slots {
  readonly #waiting = new Map<Priority, (() => void)[]>(order.map((priority) => [priority, []]));
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns what frees the slot */
  async acquire(priority: Priority): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.get(priority)?.push(resolve));
    return () => this.#release();
  }

  #release(): void {
    for (const priority of order) {
      const next = this.#waiting.get(priority)?.shift();
      if (next) return next();
    }
    this.#free += 1;
  }
}
