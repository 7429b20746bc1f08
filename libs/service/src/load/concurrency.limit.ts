/** Milliseconds over which latencies are gathered before the limit is set anew, and how many it takes. */
const windowMs = 100;
const enoughSamples = 10;

/** How much slower than unloaded work may be before the limit goes down. */
const tolerance = 2;

/** Share of a new limit that is taken over at once. */
const smoothing = 0.2;

/** How fast the idea of unloaded latency follows: down, up while there is little to do, and up under load. */
const followDown = 0.3;
const followIdle = 0.1;
const followLoaded = 0.0005;

export interface ConcurrencyLimitOptions {
  /** Work admitted at once after a start; it grows from there as fast as latencies allow. Default 32. */
  initial?: number;
  /** Default 16. */
  min?: number;
  /** Default 1000. */
  max?: number;
  /** Milliseconds on any clock that never goes back. */
  now?: () => number;
}

interface Kind {
  unloadedMs: number;
  count: number;
  milliseconds: number;
}

/**
 * How much a service can work on at once before everything takes longer: the gradient of latency decides, after
 * Netflix's Gradient2 (https://github.com/Netflix/concurrency-limits). The limit grows by its root while work takes what
 * it takes unloaded, and shrinks in proportion when it takes more than twice that.
 *
 * Latencies are compared with those of the same kind of work, and the kind that has suffered least speaks for all: when
 * this process has too much to do everything is slow, whereas one slow dependency is no reason to turn others away.
 */
export class ConcurrencyLimit {
  readonly #min: number;
  readonly #max: number;
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();
  #limit: number;
  #windowEnd: number;
  #samples = 0;
  #peak = 0;

  constructor({ initial = 32, min = 16, max = 1000, now = () => performance.now() }: ConcurrencyLimitOptions = {}) {
    this.#limit = initial;
    this.#min = min;
    this.#max = max;
    this.#now = now;
    this.#windowEnd = now() + windowMs;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  /**
   * Takes note of work that is done.
   *
   * @param inFlight how much was in work, this one included
   */
  sample(kind: string, milliseconds: number, inFlight: number): void {
    let entry = this.#kinds.get(kind);
    if (!entry) this.#kinds.set(kind, (entry = { unloadedMs: 0, count: 0, milliseconds: 0 }));
    entry.count += 1;
    entry.milliseconds += milliseconds;
    this.#samples += 1;
    if (inFlight > this.#peak) this.#peak = inFlight;
    const now = this.#now();
    if (now < this.#windowEnd || this.#samples < enoughSamples) return;
    this.#update();
    this.#windowEnd = now + windowMs;
    this.#samples = this.#peak = 0;
  }

  #update(): void {
    const idle = this.#peak <= this.#min;
    let least = Infinity;
    for (const kind of this.#kinds.values()) {
      if (kind.count === 0) continue;
      const mean = kind.milliseconds / kind.count;
      if (kind.unloadedMs === 0) kind.unloadedMs = mean;
      // Below a millisecond it is the clock and the event loop that one measures.
      if (kind.count >= enoughSamples / 2) least = Math.min(least, Math.max(1, mean) / Math.max(1, kind.unloadedMs));
      const follow = mean < kind.unloadedMs ? followDown : idle ? followIdle : followLoaded;
      kind.unloadedMs += (mean - kind.unloadedMs) * follow;
      kind.count = kind.milliseconds = 0;
    }
    if (least === Infinity) return;
    const gradient = Math.max(0.5, Math.min(1, tolerance / least));
    // A limit that nothing has come near says nothing about what would happen there.
    if (gradient === 1 && this.#peak < this.#limit / 2) return;
    const next = this.#limit * gradient + Math.sqrt(this.#limit);
    this.#limit = Math.max(this.#min, Math.min(this.#max, this.#limit * (1 - smoothing) + next * smoothing));
  }
}
