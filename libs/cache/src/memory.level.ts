import { LRUCache } from 'lru-cache';
import { tombstoneMs } from './cache.redis.ts';

export interface MemoryOptions {
  /** Most entries; the least recently used goes first. */
  entries: number;
  /** Milliseconds an entry is kept, give or take a tenth; bounds how stale a value can get when invalidations are lost. */
  ttlMs: number;
  /** Most bytes of all entries together, as MessagePack would write them; in memory they take two to four times that. Default no limit. */
  bytes?: number;
}

/** What is known of a key. */
export interface Kept<Value> {
  /** Undefined: the source has nothing. */
  value: Value | undefined;
  /** By `performance.now()`. From here on it only serves when the source fails. */
  freshUntil: number;
  /** Until when it may serve if the source fails. */
  staleUntil: number;
  /** When the shared entry ends, for which all replicas would have to load anew. */
  sharedUntil: number;
  /** Milliseconds its load took. */
  loadMs: number;
}

/** Beyond this many times the duration of a load before the end, an early refresh is less likely than one in 20,000 and not drawn for. */
const horizon = 10;

/**
 * Whether to load anew before the end, so that nobody has to wait at it: the nearer it is and the longer a load takes, the
 * likelier (A. Vattani et al., Optimal Probabilistic Cache Stampede Prevention, VLDB 2015: XFetch with beta = 1).
 */
export function isDueEarly({ sharedUntil, loadMs }: Kept<unknown>, now: number): boolean {
  const left = sharedUntil - now;
  return left < horizon * loadMs && left <= loadMs * -Math.log(Math.random());
}

/** Forgotten keys that are remembered for {@link tombstoneMs}; whoever falls out is one of many that change at once. */
const mostForgotten = 1_000;

/** The entries of one cache in this process. */
export class MemoryLevel<Value extends NonNullable<unknown>> {
  readonly #entries: LRUCache<string, Kept<Value>>;
  readonly #forgotten = new LRUCache<string, true>({ max: mostForgotten, ttl: tombstoneMs });
  /** Whether the size of values counts. */
  readonly countsBytes: boolean;
  readonly #ttlMs: number;
  #nextSweep: number;

  constructor({ entries, bytes, ttlMs }: MemoryOptions) {
    this.#ttlMs = ttlMs;
    this.#nextSweep = performance.now() + ttlMs;
    this.countsBytes = bytes !== undefined;
    this.#entries = new LRUCache(bytes === undefined ? { max: entries } : { max: entries, maxSize: bytes, maxEntrySize: bytes });
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Kept<Value> | undefined {
    return this.#entries.get(key);
  }

  /** @param bytes of the value as MessagePack */
  set(key: string, kept: Kept<Value>, bytes: number): void {
    const now = performance.now();
    if (now >= this.#nextSweep) this.#dropEnded(now);
    this.#entries.set(key, kept, this.countsBytes ? { size: Math.max(1, bytes + key.length) } : {});
  }

  /** Lets go of what can serve nobody any more: else what was asked for once would be held until its place is needed. */
  #dropEnded(now: number): void {
    this.#nextSweep = now + this.#ttlMs;
    for (const [key, { staleUntil }] of this.#entries.entries()) if (staleUntil <= now) this.#entries.delete(key);
  }

  /** Drops a key because its value is no longer true. */
  forget(key: string): void {
    this.#entries.delete(key);
    this.#forgotten.set(key, true);
  }

  /** Whether its source, read from a replica, may still give what was forgotten. */
  wasJustForgotten(key: string): boolean {
    return this.#forgotten.has(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
