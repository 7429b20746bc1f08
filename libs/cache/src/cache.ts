import { setTimeout as delay } from 'node:timers/promises';
import { createContext, currentSpan, inSpan, runInContext, startSpan } from '@tenfold/telemetry';
import { cacheGarbage, cacheRefreshes, cacheRequests } from './cache.metrics.ts';
import type { CacheOutcome } from './cache.metrics.ts';
import type { CacheOptions } from './cache.options.ts';
import { entryCodec } from './cache.entry.ts';
import type { EntryCodec, Found } from './cache.entry.ts';
import { tombstoneMs } from './cache.redis.ts';
import type { CacheRedis, SharedEntry } from './cache.redis.ts';
import { freeze, inOrder, withJitter } from './cache.values.ts';
import { LoadLimit } from './load.limit.ts';
import { isDueEarly, MemoryLevel } from './memory.level.ts';

type LoadMany<Value> = (missing: string[]) => Promise<ReadonlyMap<string, Value | undefined>>;

interface Loading {
  /** The key was forgotten since: the value goes to those who wait, and nowhere else. */
  forgotten: boolean;
}

/** A load that later callers of the same key wait for. */
interface Flight<Value> extends Loading {
  answer: Promise<Value | undefined>;
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

/** By how much this process and Redis may differ about when an entry ends. */
const slackMs = 100;

/** Milliseconds that an early refresh may take: nobody waits for it. */
const refreshMs = 5_000;

/**
 * One kind of value in memory, then Redis, then the source. Values are plain data (what MessagePack holds); they are
 * frozen, since all callers share them. A failing Redis is a miss; only what the load throws is thrown.
 */
export class Cache<Value extends NonNullable<unknown>> {
  readonly name: string;
  readonly version: number;
  readonly #memory: MemoryLevel<Value> | undefined;
  readonly #redis: CacheRedis;
  readonly #isOff: boolean;
  readonly #memoryTtlMs: number;
  readonly #redisTtlMs: number | undefined;
  readonly #negativeTtlMs: number;
  readonly #staleMs: number;
  readonly #limit: LoadLimit;
  readonly #codec: EntryCodec<Value>;
  readonly #flights = new Map<string, Flight<Value>>();
  /** Loads before the end, which nobody waits for. */
  readonly #refreshes = new Map<string, Loading>();
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
    this.#staleMs = options.staleIfErrorMs ?? 0;
    this.#limit = new LoadLimit(options.concurrentLoads ?? 32);
    this.#codec = entryCodec(`${options.name}:v${options.version}`);
    if (options.memory) this.#memory = new MemoryLevel(options.memory);
    const counterOf = (outcome: CacheOutcome) => cacheRequests.labels({ cache: options.name, outcome });
    this.#counters = {
      memory: counterOf('memory'),
      redis: counterOf('redis'),
      load: counterOf('load'),
      negative: counterOf('negative'),
      stale: counterOf('stale'),
    };
  }

  /** Entries in memory. */
  get size(): number {
    return this.#memory?.size ?? 0;
  }

  /**
   * The value of a key. However many ask for a missing one at once, the process loads it once, in the request context of
   * the first, and of all replicas one does; if that load fails, it fails for all who wait for it in this process, unless
   * `staleIfErrorMs` allows an old value, and the next get loads again.
   *
   * @param load asks the source; undefined when it has nothing, which is remembered for `negativeTtlMs`
   */
  get(key: string, load: () => Promise<Value | undefined>): Promise<Value | undefined> {
    if (this.#isOff) {
      this.#counters.load.inc();
      return load();
    }
    const loadMany = async () => new Map([[key, await load()]]);
    const kept = this.#fresh(key);
    if (kept) {
      if (kept.isDue) this.#refresh([key], loadMany);
      return Promise.resolve(kept.value);
    }
    const flight = this.#flights.get(key);
    if (flight) {
      this.#counters.memory.inc();
      return flight.answer;
    }
    return this.#fly([key], (flights) => this.#fetch([key], flights, loadMany)).then((values) => values.get(key));
  }

  /**
   * The values of many keys in one round trip to Redis and one load of what is missing; keys without a value are left out.
   *
   * @param load asks the source for these keys; what its answer leaves out counts as nothing
   */
  async getMany(keys: Iterable<string>, load: LoadMany<Value>): Promise<Map<string, Value>> {
    const distinct = [...new Set(keys)];
    if (this.#isOff) {
      this.#counters.load.inc(distinct.length);
      return inOrder(distinct, distinct.length > 0 ? await load(distinct) : new Map());
    }
    const values = new Map<string, Value | undefined>();
    const joined: [string, Flight<Value>][] = [];
    const rest: string[] = [];
    const due: string[] = [];
    for (const key of distinct) {
      const kept = this.#fresh(key);
      const flight = this.#flights.get(key);
      if (kept) {
        values.set(key, kept.value);
        if (kept.isDue) due.push(key);
      } else if (flight) {
        this.#counters.memory.inc();
        joined.push([key, flight]);
      } else {
        rest.push(key);
      }
    }
    if (due.length > 0) this.#refresh(due, load);
    const [fetched, waited] = await Promise.all([
      rest.length > 0 ? this.#fly(rest, (flights) => this.#fetch(rest, flights, load)) : undefined,
      Promise.all(joined.map(async ([key, flight]) => [key, await flight.answer] as const)),
    ]);
    for (const [key, value] of [...(fetched ?? []), ...waited]) values.set(key, value);
    return inOrder(distinct, values);
  }

  /**
   * Puts a value that the source has just taken into Redis and, at their next get, into the memory of all replicas: for
   * values of which every change is known whole and that are read at once. Call it after the change is committed. Where
   * Redis does not take it, the key is forgotten instead.
   *
   * @param revision grows with every change: of two at once the later one stays
   */
  async put(key: string, value: Value, revision: number): Promise<void> {
    this.dropFromMemory([key]);
    if (this.#redisTtlMs === undefined || this.#isOff) return this.forget(key);
    const entry = this.#codec.encode(value, 0, revision);
    await this.#redis.put(this, key, { entry, revision, ttlMs: withJitter(this.#redisTtlMs) + this.#staleMs });
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
    for (const loads of [this.#flights, this.#refreshes] as Map<string, Loading>[]) {
      for (const key of keys ?? loads.keys()) {
        const load = loads.get(key);
        if (load) load.forgotten = true;
        loads.delete(key);
      }
    }
    if (!keys) this.#memory?.clear();
    else for (const key of keys) this.#memory?.delete(key);
  }

  /** What memory holds and may still be given out, counted. */
  #fresh(key: string): { value: Value | undefined; isDue: boolean } | undefined {
    const kept = this.#memory?.get(key);
    if (!kept) return undefined;
    const now = performance.now();
    if (now >= kept.freshUntil) return undefined;
    this.#counters[kept.value === undefined ? 'negative' : 'memory'].inc();
    return { value: kept.value, isDue: isDueEarly(kept, now) && !this.#refreshes.has(key) };
  }

  /** Asks for keys that nobody is asking for yet; whoever comes meanwhile waits for the same. */
  #fly(
    keys: readonly string[],
    ask: (flights: ReadonlyMap<string, Flight<Value>>) => Promise<Map<string, Value | undefined>>,
  ): Promise<Map<string, Value | undefined>> {
    const flights = new Map<string, Flight<Value>>();
    const span = startSpan(`cache ${this.name}`)?.set('cache.keys', keys.length);
    const answers = inSpan(span, () => ask(flights)).finally(() => {
      for (const [key, flight] of flights) if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    for (const key of keys) {
      const flight = { forgotten: false, answer: answers.then((values) => values.get(key)) };
      // Whoever began the flight reports its failure; a flight that nobody joined must not report it twice.
      flight.answer.catch(() => undefined);
      flights.set(key, flight);
      this.#flights.set(key, flight);
    }
    return answers;
  }

  /**
   * Loads anew what still serves, unless another replica is doing so or has just done it. Nobody waits, so a failure is
   * only counted; it takes a time of its own, since the request on whose occasion it happens may be over before.
   */
  #refresh(keys: readonly string[], load: LoadMany<Value>): void {
    const now = performance.now();
    const leftMs = slackMs + Math.max(0, ...keys.map((key) => (this.#memory?.get(key)?.sharedUntil ?? 0) - now));
    const refreshes = new Map(keys.map((key) => [key, { forgotten: false }]));
    for (const [key, refresh] of refreshes) this.#refreshes.set(key, refresh);
    const refreshAll = async () => {
      const shared = this.#redisTtlMs === undefined ? undefined : await this.#redis.read(this, keys, this.#staleMs, leftMs);
      const missing = this.#take(keys, shared, refreshes, new Map(), leftMs);
      const own = new Map([...missing].filter(([, { token }]) => token !== undefined || this.#redisTtlMs === undefined));
      if (own.size > 0) await runInContext(createContext({ deadline: Date.now() + refreshMs }), () => this.#load(own, refreshes, load));
    };
    void refreshAll()
      .then(
        () => cacheRefreshes.inc({ cache: this.name, outcome: 'ok' }),
        () => cacheRefreshes.inc({ cache: this.name, outcome: 'failed' }),
      )
      .finally(() => {
        for (const [key, refresh] of refreshes) if (this.#refreshes.get(key) === refresh) this.#refreshes.delete(key);
      });
  }

  async #fetch(
    keys: readonly string[],
    flights: ReadonlyMap<string, Flight<Value>>,
    load: LoadMany<Value>,
  ): Promise<Map<string, Value | undefined>> {
    const values = new Map<string, Value | undefined>();
    const waitUntil = performance.now() + longestWaitMs;
    let rest = keys;
    while (rest.length > 0) {
      const shared = this.#redisTtlMs === undefined ? undefined : await this.#redis.read(this, rest, this.#staleMs);
      const missing = this.#take(rest, shared, flights, values);
      // What another replica is loading is waited for, but not for long: it may have died.
      const isPatient = performance.now() < waitUntil;
      const own = new Map([...missing].filter(([, { kind, token }]) => !isPatient || kind !== 'nothing' || token !== undefined));
      currentSpan()?.set('cache.loaded', own.size);
      if (own.size > 0) {
        this.#counters.load.inc(own.size);
        for (const [key, value] of await this.#load(own, flights, load)) values.set(key, value);
      }
      rest = [...missing.keys()].filter((key) => !own.has(key));
      if (rest.length > 0) await delay(pollMs);
    }
    return values;
  }

  /** Takes from Redis what is good for longer than `goodMs`, and returns the rest. */
  #take(
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

  async #load(
    missing: ReadonlyMap<string, Missing<Value>>,
    flights: ReadonlyMap<string, Loading>,
    load: LoadMany<Value>,
  ): Promise<Map<string, Value | undefined>> {
    const startedAt = performance.now();
    let loaded: ReadonlyMap<string, Value | undefined>;
    try {
      loaded = await this.#limit.run(() => load([...missing.keys()]));
    } catch (error) {
      this.#redis.release(this, [...missing].flatMap(([key, { token }]) => (token ? [[key, token] as const] : [])));
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
    const entry = this.#redisTtlMs === undefined ? undefined : this.#codec.encode(value, loadMs);
    // Just forgotten: the source, read from a replica, may still give the old value. It is kept as long as the tombstone.
    const ttlMs = kind === 'tombstone' ? Math.min(tombstoneMs, this.#memoryTtlMs) : this.#memoryTtlMs;
    this.#keep(key, value, flight, { ttlMs, sharedMs, loadMs, bytes: entry?.length ?? this.#codec.encode(value, 0).length });
    if (kind === 'garbage') {
      cacheGarbage.inc({ cache: this.name });
      this.#redis.bury(this, key);
    }
    if (!token || !entry) return;
    if (flight?.forgotten || sharedMs === 0) this.#redis.release(this, [[key, token]]);
    else this.#redis.fill(this, key, token, entry, sharedMs + this.#staleMs);
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
