import { setTimeout as delay } from 'node:timers/promises';
import { currentSpan } from '@tenfold/telemetry';
import type { EntryCodec, Found } from './cache.entry.ts';
import { cacheGarbage } from './cache.metrics.ts';
import type { CacheCounters } from './cache.metrics.ts';
import type { CacheOptions } from './cache.options.ts';
import { tombstoneMs } from './cache.redis.ts';
import type { CacheRedis, SharedEntry } from './cache.redis.ts';
import { freeze, withJitter } from './cache.values.ts';
import { LoadLimit } from './load.limit.ts';
import type { MemoryLevel } from './memory.level.ts';

export type LoadMany<Value> = (missing: string[]) => Promise<ReadonlyMap<string, Value | undefined>>;

export interface Loading {
  /** The key was forgotten since: the value goes to those who wait, and nowhere else. */
  forgotten: boolean;
}

/** A key that has to be loaded, and what stood in its place. */
interface Missing<Value> {
  kind: Found<Value>['kind'] | 'unknown';
  /** Whether the value may be put into Redis. */
  token: string | undefined;
  /** What serves if the load fails; in Redis it ends by itself. */
  old: { value: Value | undefined; staleUntil?: number } | undefined;
}

/** How often, and for how long at most, a replica looks whether the one that has the lease is done. Then it loads by itself. */
const pollMs = 20;
const longestWaitMs = 1_000;

/** For how long an old value serves, once the source has failed, before it is asked again. */
const retryMs = 1_000;

interface Levels<Value extends NonNullable<unknown>> {
  memory: MemoryLevel<Value> | undefined;
  redis: CacheRedis;
  codec: EntryCodec<Value>;
  counters: CacheCounters;
}

/** Brings what memory lacks from Redis or the source of one cache, and keeps it where it may be kept. */
export class CacheLoader<Value extends NonNullable<unknown>> {
  readonly #owner: Pick<CacheOptions, 'name' | 'version'>;
  readonly #memory: MemoryLevel<Value> | undefined;
  readonly #redis: CacheRedis;
  readonly #codec: EntryCodec<Value>;
  readonly #counters: CacheCounters;
  readonly #memoryTtlMs: number;
  readonly #redisTtlMs: number | undefined;
  readonly #negativeTtlMs: number;
  readonly #staleMs: number;
  readonly #limit: LoadLimit;

  constructor(options: CacheOptions, { memory, redis, codec, counters }: Levels<Value>) {
    this.#owner = options;
    this.#memory = memory;
    this.#redis = redis;
    this.#codec = codec;
    this.#counters = counters;
    this.#memoryTtlMs = options.memory?.ttlMs ?? 0;
    this.#redisTtlMs = options.redis?.ttlMs;
    this.#negativeTtlMs = options.negativeTtlMs ?? 5_000;
    this.#staleMs = options.staleIfErrorMs ?? 0;
    this.#limit = new LoadLimit(options.concurrentLoads ?? 32);
  }

  /** Asks Redis, then the source: for each key what it has, undefined for nothing. */
  async fetch(
    keys: readonly string[],
    flights: ReadonlyMap<string, Loading>,
    load: LoadMany<Value>,
  ): Promise<Map<string, Value | undefined>> {
    const values = new Map<string, Value | undefined>();
    const waitUntil = performance.now() + longestWaitMs;
    let rest = keys;
    while (rest.length > 0) {
      const shared = this.#redisTtlMs === undefined ? undefined : await this.#redis.read(this.#owner, rest, this.#staleMs);
      const missing = this.take(rest, shared, flights, values);
      // What another replica is loading is waited for, but not for long: it may have died.
      const isPatient = performance.now() < waitUntil;
      const own = new Map([...missing].filter(([, { kind, token }]) => !isPatient || kind !== 'nothing' || token !== undefined));
      currentSpan()?.set('cache.loaded', own.size);
      if (own.size > 0) {
        this.#counters.load.inc(own.size);
        for (const [key, value] of await this.load(own, flights, load)) values.set(key, value);
      }
      rest = [...missing.keys()].filter((key) => !own.has(key));
      if (rest.length > 0) await delay(pollMs);
    }
    return values;
  }

  /** Takes from Redis what is good for longer than `goodMs`, and returns the rest. */
  take(
    keys: readonly string[],
    shared: readonly SharedEntry[] | undefined,
    flights: ReadonlyMap<string, Loading>,
    values: Map<string, Value | undefined>,
    goodMs = 0,
  ): Map<string, Missing<Value>> {
    const missing = new Map<string, Missing<Value>>();
    for (const [index, key] of keys.entries()) {
      const entry = shared?.[index];
      const found: Found<Value> | undefined = entry && this.#codec.decode(entry.entry);
      const old = found?.kind === 'value' ? { value: found.value } : this.#memory?.get(key);
      if (entry && found?.kind === 'value' && entry.leftMs > goodMs) {
        // What is refreshed nobody asked for.
        if (goodMs === 0) this.#counters[found.value === undefined ? 'negative' : 'redis'].inc();
        this.#keep(key, found.value, flights.get(key), { ttlMs: this.#memoryTtlMs, sharedMs: entry.leftMs, loadMs: found.loadMs, bytes: entry.entry?.length ?? 0 });
        values.set(key, found.value);
      } else {
        const kind = found?.kind === 'value' ? 'nothing' : (found?.kind ?? 'unknown');
        missing.set(key, { kind, token: entry?.token, old });
      }
    }
    return missing;
  }

  /** Loads keys and puts them where they may go. */
  async load(
    missing: ReadonlyMap<string, Missing<Value>>,
    flights: ReadonlyMap<string, Loading>,
    load: LoadMany<Value>,
  ): Promise<Map<string, Value | undefined>> {
    const startedAt = performance.now();
    let loaded: ReadonlyMap<string, Value | undefined>;
    try {
      loaded = await this.#limit.run(() => load([...missing.keys()]));
    } catch (error) {
      this.#redis.release(this.#owner, [...missing].flatMap(([key, { token }]) => (token ? [[key, token] as const] : [])));
      const old = this.#oldValues(missing, flights);
      if (old) return old;
      throw error;
    }
    const loadMs = performance.now() - startedAt;
    const values = new Map<string, Value | undefined>();
    for (const [key, { kind, token }] of missing) {
      const value = loaded.get(key);
      this.#settle(key, value, { kind, token, loadMs }, flights.get(key));
      values.set(key, value);
    }
    return values;
  }

  /** Values that may serve although the source has failed, if there is one for each key. */
  #oldValues(
    missing: ReadonlyMap<string, Missing<Value>>,
    flights: ReadonlyMap<string, Loading>,
  ): Map<string, Value | undefined> | undefined {
    const now = performance.now();
    const values = new Map<string, Value | undefined>();
    for (const [key, { old }] of missing) {
      const isTooOld = old?.staleUntil !== undefined && now > old.staleUntil;
      if (this.#staleMs === 0 || !old || isTooOld || flights.get(key)?.forgotten) return undefined;
      values.set(key, old.value);
    }
    for (const key of missing.keys()) {
      this.#counters.stale.inc();
      const kept = this.#memory?.get(key);
      if (kept) kept.freshUntil = Math.min(now + retryMs, kept.staleUntil);
    }
    return values;
  }

  /** Puts a loaded value where it may go, given what Redis held before the load. */
  #settle(
    key: string,
    value: Value | undefined,
    { kind, token, loadMs }: Pick<Missing<Value>, 'kind' | 'token'> & { loadMs: number },
    flight: Loading | undefined,
  ): void {
    const sharedMs = withJitter((value === undefined ? this.#negativeTtlMs : this.#redisTtlMs) ?? this.#memoryTtlMs);
    const isCounted = this.#memory?.countsBytes ?? false;
    const encoded = this.#redisTtlMs === undefined && !isCounted ? undefined : this.#codec.encode(value, loadMs);
    const entry = this.#redisTtlMs === undefined ? undefined : encoded;
    // Just forgotten: the source, read from a replica, may still give the old value. It is kept as long as the tombstone.
    const isDoubtful = kind === 'tombstone' || this.#memory?.wasJustForgotten(key);
    const ttlMs = isDoubtful ? Math.min(tombstoneMs, this.#memoryTtlMs) : this.#memoryTtlMs;
    this.#keep(key, value, flight, { ttlMs, sharedMs, loadMs, bytes: encoded?.length ?? 0 });
    if (kind === 'garbage') {
      cacheGarbage.inc({ cache: this.#owner.name });
      this.#redis.bury(this.#owner, key);
    }
    if (!token || !entry) return;
    if (flight?.forgotten || sharedMs === 0) this.#redis.release(this.#owner, [[key, token]]);
    else this.#redis.fill(this.#owner, key, token, entry, sharedMs + this.#staleMs);
  }

  #keep(
    key: string,
    value: Value | undefined,
    flight: Loading | undefined,
    { ttlMs, sharedMs, loadMs, bytes }: { ttlMs: number; sharedMs: number; loadMs: number; bytes: number },
  ): void {
    if (value !== undefined) freeze(value);
    if (!this.#memory || flight?.forgotten) return;
    const keptMs = value === undefined ? Math.min(this.#negativeTtlMs, ttlMs) : ttlMs;
    if (keptMs <= 0) return;
    const now = performance.now();
    const freshUntil = now + Math.min(withJitter(keptMs), sharedMs);
    this.#memory.set(key, { value, loadMs, freshUntil, staleUntil: freshUntil + this.#staleMs, sharedUntil: now + sharedMs }, bytes);
  }
}
