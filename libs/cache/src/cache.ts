import { createContext, inSpan, outsideStatementBudget, runInContext, startSpan } from '@tenfold/telemetry';
import { cacheRefreshes, countersOf } from './cache.metrics.ts';
import type { CacheCounters } from './cache.metrics.ts';
import type { CacheOptions } from './cache.options.ts';
import { entryCodec } from './cache.entry.ts';
import type { EntryCodec } from './cache.entry.ts';
import { CacheLoader } from './cache.loader.ts';
import type { Loading, LoadMany } from './cache.loader.ts';
import type { CacheRedis } from './cache.redis.ts';
import { inOrder, withJitter } from './cache.values.ts';
import { isDueEarly, MemoryLevel } from './memory.level.ts';

/** A load that later callers of the same key wait for. */
interface Flight<Value> extends Loading {
  answer: Promise<Value | undefined>;
}

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
  #isOff: boolean;
  readonly #redisTtlMs: number | undefined;
  readonly #staleMs: number;
  readonly #loader: CacheLoader<Value>;
  readonly #codec: EntryCodec<Value>;
  readonly #flights = new Map<string, Flight<Value>>();
  /** Loads before the end, which nobody waits for. */
  readonly #refreshes = new Map<string, Loading>();
  readonly #counters: CacheCounters;

  /** Made by `CacheStore.cache`. */
  constructor(options: CacheOptions, redis: CacheRedis, isOff: boolean) {
    this.name = options.name;
    this.version = options.version;
    this.#redis = redis;
    this.#isOff = isOff;
    this.#redisTtlMs = options.redis?.ttlMs;
    this.#staleMs = options.staleIfErrorMs ?? 0;
    this.#codec = entryCodec(`${options.name}:v${options.version}`);
    if (options.memory) this.#memory = new MemoryLevel(options.memory);
    this.#counters = countersOf(options.name);
    this.#loader = new CacheLoader(options, { memory: this.#memory, redis, codec: this.#codec, counters: this.#counters });
  }

  /** Entries in memory. */
  get size(): number {
    return this.#memory?.size ?? 0;
  }

  /** Lets every get load, or not any more; what is kept stays, as far as it lives. */
  switchOff(isOff: boolean): void {
    this.#isOff = isOff;
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
    return this.#fly([key], (flights) => this.#loader.fetch([key], flights, loadMany)).then((values) => values.get(key));
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
      rest.length > 0 ? this.#fly(rest, (flights) => this.#loader.fetch(rest, flights, load)) : undefined,
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
    else for (const key of keys) this.#memory?.forget(key);
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
      const missing = this.#loader.take(keys, shared, refreshes, new Map(), leftMs);
      const own = new Map([...missing].filter(([, { token }]) => token !== undefined || this.#redisTtlMs === undefined));
      if (own.size > 0) await runInContext(createContext({ deadline: Date.now() + refreshMs }), () => this.#loader.load(own, refreshes, load));
    };
    void outsideStatementBudget(refreshAll)
      .then(
        () => cacheRefreshes.inc({ cache: this.name, outcome: 'ok' }),
        () => cacheRefreshes.inc({ cache: this.name, outcome: 'failed' }),
      )
      .finally(() => {
        for (const [key, refresh] of refreshes) if (this.#refreshes.get(key) === refresh) this.#refreshes.delete(key);
      });
  }
}
