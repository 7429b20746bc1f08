import { LRUCache } from 'lru-cache';
import { currentSpan, inSpan, startSpan } from '@tenfold/telemetry';
import { cacheGarbage, cacheRequests } from './cache.metrics.ts';
import type { CacheOutcome } from './cache.metrics.ts';
import { entryCodec } from './cache.entry.ts';
import type { EntryCodec, Found } from './cache.entry.ts';
import { tombstoneMs } from './cache.redis.ts';
import type { CacheRedis } from './cache.redis.ts';

export interface CacheOptions {
  /** Unique within the service, without colons, e.g. `product`: part of the keys and a label of the metrics. */
  name: string;
  /** Raise it whenever the shape of the values changes: versions never read each other's entries. */
  version: number;
  /** The level in this process. Without it every get asks Redis. */
  memory?: {
    /** Most entries; the least recently used goes first. */
    entries: number;
    /** Milliseconds an entry is kept, give or take a tenth; bounds how stale a value can get when invalidations are lost. */
    ttlMs: number;
  };
  /** The level that the replicas share. Without it a value is loaded once per process. */
  redis?: {
    /** Milliseconds an entry is kept, give or take a tenth. */
    ttlMs: number;
  };
  /** Milliseconds for which it is remembered that the source has nothing. Default 5000; 0 never remembers. */
  negativeTtlMs?: number;
}

/** A load that later callers of the same key wait for. */
interface Flight<Value> {
  answer: Promise<Value | undefined>;
  startedAt: number;
  /** The key was forgotten since: the value goes to those who wait, and nowhere else. */
  forgotten: boolean;
}

const absent = Symbol('the source has nothing');

/** A load that took longer than this may have begun before a tombstone that is gone by now, and does not fill Redis. */
const longestFillMs = tombstoneMs / 2;

/**
 * One kind of value in memory, then Redis, then the source. Values are plain data (what MessagePack holds); they are
 * frozen, since all callers share them. A failing Redis is a miss; only what the load throws is thrown.
 */
export class Cache<Value extends NonNullable<unknown>> {
  readonly name: string;
  readonly version: number;
  readonly #memory: LRUCache<string, Value | typeof absent> | undefined;
  readonly #redis: CacheRedis;
  readonly #isOff: boolean;
  readonly #memoryTtlMs: number;
  readonly #redisTtlMs: number | undefined;
  readonly #negativeTtlMs: number;
  readonly #codec: EntryCodec<Value>;
  readonly #flights = new Map<string, Flight<Value>>();
  readonly #counters: Record<CacheOutcome, { inc(count?: number): void }>;

  /** Made by `CacheStore.cache`. */
  constructor(options: CacheOptions, redis: CacheRedis, isOff: boolean) {
    this.name = options.name;
    this.version = options.version;
    this.#redis = redis;
    this.#isOff = isOff;
    this.#memoryTtlMs = options.memory?.ttlMs ?? 0;
    this.#redisTtlMs = options.redis?.ttlMs;
    this.#negativeTtlMs = options.negativeTtlMs ?? 5_000;
    this.#codec = entryCodec(`${options.name}:v${options.version}`);
    // Asking the clock at most every 50 ms is enough for times to live of seconds.
    if (options.memory) this.#memory = new LRUCache({ max: options.memory.entries, ttl: options.memory.ttlMs, ttlResolution: 50 });
    const counterOf = (outcome: CacheOutcome) => cacheRequests.labels({ cache: options.name, outcome });
    this.#counters = {
      memory: counterOf('memory'),
      redis: counterOf('redis'),
      load: counterOf('load'),
      negative: counterOf('negative'),
    };
  }

  /** Entries in memory. */
  get size(): number {
    return this.#memory?.size ?? 0;
  }

  /**
   * The value of a key. However many ask for a missing one at once, the process loads it once, in the request context of
   * the first; if that load fails, it fails for all who wait for it, and the next get loads again.
   *
   * @param load asks the source; undefined when it has nothing, which is remembered for `negativeTtlMs`
   */
  get(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> {
    if (this.#isOff) {
      this.#counters.load.inc();
      return load();
    }
    const kept = this.#memory?.get(key);
    if (kept !== undefined) {
      this.#counters[kept === absent ? 'negative' : 'memory'].inc();
      return Promise.resolve(kept === absent ? undefined : kept);
    }
    const flight = this.#flights.get(key);
    if (flight) {
      this.#counters.memory.inc();
      return flight.answer;
    }
    const answers = this.#fly([key], async () => new Map([[key, await load()]]));
    return answers.then((values) => values.get(key));
  }

  /**
   * The values of many keys in one round trip to Redis and one load of what is missing; keys without a value are left out.
   *
   * @param load asks the source for these keys; what its answer leaves out counts as nothing
   */
  async getMany(
    keys: Iterable<string>,
    load: (missing: string[]) => Promise<ReadonlyMap<string, Value | undefined>>,
  ): Promise<Map<string, Value>> {
    const distinct = [...new Set(keys)];
    const values = new Map<string, Value | undefined>();
    const joined: Flight<Value>[] = [];
    const joinedKeys: string[] = [];
    const rest: string[] = [];
    for (const key of distinct) {
      const kept = this.#isOff ? undefined : this.#memory?.get(key);
      const flight = this.#flights.get(key);
      if (kept !== undefined) {
        this.#counters[kept === absent ? 'negative' : 'memory'].inc();
        values.set(key, kept === absent ? undefined : kept);
      } else if (flight) {
        this.#counters.memory.inc();
        joined.push(flight);
        joinedKeys.push(key);
      } else {
        rest.push(key);
      }
    }
    if (this.#isOff) {
      this.#counters.load.inc(rest.length);
      return inOrder(distinct, await load(rest));
    }
    const [fetched, ...waited] = await Promise.all([
      rest.length > 0 ? this.#fly(rest, load) : undefined,
      ...joined.map((flight) => flight.answer),
    ]);
    for (const [key, value] of fetched ?? []) values.set(key, value);
    for (const [index, key] of joinedKeys.entries()) values.set(key, waited[index]);
    return inOrder(distinct, values);
  }

  /**
   * Drops keys here, in Redis and in the memory of every other replica. Call it after the change is committed. Never
   * throws: what Redis does not take is sent again until it does.
   */
  async forget(...keys: string[]): Promise<void> {
    this.dropFromMemory(keys);
    await this.#redis.forget({ cache: this.name, version: this.version, keys });
  }

  /** Drops keys from this process alone, all of them by default. Loads under way leave nothing behind. */
  dropFromMemory(keys?: readonly string[]): void {
    for (const key of keys ?? this.#flights.keys()) {
      const flight = this.#flights.get(key);
      if (flight) flight.forgotten = true;
      this.#flights.delete(key);
    }
    if (!keys) this.#memory?.clear();
    else for (const key of keys) this.#memory?.delete(key);
  }

  /** Asks Redis, then the source, for keys that nobody is asking for yet; whoever comes meanwhile waits for the same. */
  #fly(
    keys: string[],
    load: (missing: string[]) => Promise<ReadonlyMap<string, Value | undefined>>,
  ): Promise<Map<string, Value | undefined>> {
    const flights = new Map<string, Flight<Value>>();
    const startedAt = performance.now();
    const span = startSpan(`cache ${this.name}`)?.set('cache.keys', keys.length);
    const answers = inSpan(span, () => this.#fetch(keys, flights, load)).finally(() => {
      for (const [key, flight] of flights) if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    for (const key of keys) {
      const flight = { startedAt, forgotten: false, answer: answers.then((values) => values.get(key)) };
      // Whoever began the flight reports its failure; a flight that nobody joined must not report it twice.
      flight.answer.catch(() => undefined);
      flights.set(key, flight);
      this.#flights.set(key, flight);
    }
    return answers;
  }

  async #fetch(
    keys: string[],
    flights: ReadonlyMap<string, Flight<Value>>,
    load: (missing: string[]) => Promise<ReadonlyMap<string, Value | undefined>>,
  ): Promise<Map<string, Value | undefined>> {
    const entries = this.#redisTtlMs === undefined ? undefined : await this.#redis.read(this, keys);
    const values = new Map<string, Value | undefined>();
    const missing = new Map<string, Found<Value>['kind'] | 'unknown'>();
    for (const [index, key] of keys.entries()) {
      const found: Found<Value> | undefined = entries && this.#codec.decode(entries[index] ?? null);
      if (found?.kind === 'value' || found?.kind === 'absent') {
        const value = found.kind === 'value' ? found.value : undefined;
        this.#counters[value === undefined ? 'negative' : 'redis'].inc();
        this.#keep(key, value, flights.get(key), this.#memoryTtlMs);
        values.set(key, value);
      } else {
        missing.set(key, found?.kind ?? 'unknown');
      }
    }
    currentSpan()?.set('cache.loaded', missing.size);
    if (missing.size === 0) return values;

    this.#counters.load.inc(missing.size);
    const loaded = await load([...missing.keys()]);
    for (const [key, kind] of missing) {
      const value = loaded.get(key);
      this.#settle(key, value, kind, flights.get(key));
      values.set(key, value);
    }
    return values;
  }

  /** Puts a loaded value where it may go, given what Redis held before the load. */
  #settle(
    key: string,
    value: Value | undefined,
    kind: Found<Value>['kind'] | 'unknown',
    flight: Flight<Value> | undefined,
  ): void {
    // Just forgotten: the source, read from a replica, may still give the old value. It is kept as long as the tombstone.
    const mayBeOld = kind === 'tombstone';
    this.#keep(key, value, flight, mayBeOld ? Math.min(tombstoneMs, this.#memoryTtlMs) : this.#memoryTtlMs);
    if (kind === 'garbage') {
      cacheGarbage.inc({ cache: this.name });
      this.#redis.bury(this, key);
    }
    if (kind !== 'nothing' || !flight || flight.forgotten || performance.now() - flight.startedAt > longestFillMs) return;
    const ttlMs = value === undefined ? this.#negativeTtlMs : this.#redisTtlMs;
    if (ttlMs) this.#redis.fill(this, key, this.#codec.encode(value), withJitter(ttlMs));
  }

  #keep(key: string, value: Value | undefined, flight: Flight<Value> | undefined, ttlMs: number): void {
    if (value !== undefined) freeze(value);
    if (!this.#memory || flight?.forgotten) return;
    const ttl = value === undefined ? Math.min(this.#negativeTtlMs, ttlMs) : ttlMs;
    if (ttl > 0) this.#memory.set(key, value ?? absent, { ttl: withJitter(ttl) });
  }
}

/** A tenth more or less, so that what was loaded together does not expire together. */
function withJitter(ttlMs: number): number {
  return Math.ceil(ttlMs * (0.9 + Math.random() * 0.2));
}

function inOrder<Value>(keys: readonly string[], values: ReadonlyMap<string, Value | undefined>): Map<string, Value> {
  const ordered = new Map<string, Value>();
  for (const key of keys) {
    const value = values.get(key);
    if (value !== undefined) ordered.set(key, value);
  }
  return ordered;
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}
