const firstSize = 256;

/** As many slots as there ever are; more calls than half of them go into the Map as well. */
const lastSize = 65_536;

/**
 * The calls that are under way on one connection, by their ids: each lies in the slot that the lowest bits of its id name.
 * A Map alone would do, but one whose entries come and go leaves tables behind, of which each holds the next, and by
 * them calls that are long over: 3.5 KB of each call outlived the collections of the young generation; now 0.2 KB do.
 */
export class OutstandingCalls<Entry extends object> {
  #ids = new Uint32Array(firstSize);
  #entries = emptySlots<Entry>(firstSize);
  /** Those whose slot another one has: few, unless a peer numbers its calls so that they collide. */
  readonly #others = new Map<number, Entry>();
  #inSlots = 0;

  get size(): number {
    return this.#inSlots + this.#others.size;
  }

  get(id: number): Entry | undefined {
    const slot = id & (this.#ids.length - 1);
    return this.#ids[slot] === id && this.#entries[slot] !== undefined ? this.#entries[slot] : this.#others.get(id);
  }

  /** @param id of no call that is under way */
  add(id: number, entry: Entry): void {
    if (this.#inSlots * 2 >= this.#ids.length && this.#ids.length < lastSize) this.#grow();
    const slot = id & (this.#ids.length - 1);
    if (this.#entries[slot] !== undefined) {
      this.#others.set(id, entry);
      return;
    }
    this.#ids[slot] = id;
    this.#entries[slot] = entry;
    this.#inSlots += 1;
  }

  /** Takes a call out; undefined where it is not under way, or no longer. */
  take(id: number): Entry | undefined {
    const slot = id & (this.#ids.length - 1);
    const entry = this.#entries[slot];
    if (entry === undefined || this.#ids[slot] !== id) {
      const other = this.#others.get(id);
      this.#others.delete(id);
      return other;
    }
    this.#entries[slot] = undefined;
    this.#inSlots -= 1;
    return entry;
  }

  /** All of them, in no order. */
  all(): Entry[] {
    const all = [...this.#others.values()];
    if (this.#inSlots > 0) for (const entry of this.#entries) if (entry) all.push(entry);
    return all;
  }

  clear(): void {
    this.#entries = emptySlots(this.#entries.length);
    this.#inSlots = 0;
    this.#others.clear();
  }

  /** Ids that differ in their lowest bits differ with one bit more, too. */
  #grow(): void {
    const [ids, entries] = [this.#ids, this.#entries];
    this.#ids = new Uint32Array(2 * ids.length);
    this.#entries = emptySlots(2 * ids.length);
    for (const [at, entry] of entries.entries()) {
      if (entry === undefined) continue;
      const slot = (ids[at] as number) & (this.#ids.length - 1);
      this.#ids[slot] = ids[at] as number;
      this.#entries[slot] = entry;
    }
  }
}

function emptySlots<Entry>(length: number): (Entry | undefined)[] {
  return Array.from({ length }, () => undefined);
}
