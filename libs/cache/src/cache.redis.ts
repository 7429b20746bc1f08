import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { gatherWrites } from '@tenfold/service';
import { inSpan, measureRedis, startSpan } from '@tenfold/telemetry';
import { Redis } from 'ioredis';
import { tombstone } from './cache.entry.ts';
import { cacheScripts } from './cache.scripts.ts';
import type { CacheCommands } from './cache.scripts.ts';
import { cacheRedisErrors } from './cache.metrics.ts';

/** Milliseconds for which a forgotten key refuses values: longer than a database replica that is read may lag. */
export const tombstoneMs = 2_000;

/** Failures in a row after which Redis is left alone, until it has answered a ping that nobody waits for. */
const failuresToPause = 5;
const probeMs = 500;

/** How often what Redis has not taken is sent again. */
const resendMs = 1_000;

/** Keys whose forgetting Redis has not taken yet. Beyond that the oldest is given up, and its time to live must do. */
const mostUnsent = 10_000;

/** Keys of one version of one cache that are no longer true. */
export interface Forgetting {
  cache: string;
  version: number;
  keys: readonly string[];
}

/** A cache and the version of its values: what distinguishes equal keys. */
interface Owner {
  name: string;
  version: number;
}

/** An entry as Redis holds it. */
export interface SharedEntry {
  entry: Buffer | null;
  /** Milliseconds it is good for; at most 0 when it only serves while the source fails. */
  leftMs: number;
  /** The lease to load it, if this replica was given it. */
  token: string | undefined;
}

/** Milliseconds after which a replica that has a lease is taken for dead. */
const leaseMs = 3_000;

export interface CacheRedisOptions {
  url: string;
  service: string;
  commandTimeoutMs: number;
  logger: Logger;
  /** Another replica, or a service that is followed, forgot these. */
  onForgotten(forgetting: Forgetting, service: string): void;
  /** Messages may have been missed: everything in memory is in doubt. */
  onDoubt(): void;
}

/** The level in Redis, and the channel by which replicas tell each other what to forget. Never throws. */
export class CacheRedis {
  readonly #redis: CacheCommands;
  readonly #subscriber: Redis;
  readonly #service: string;
  readonly #channel: string;
  /** Channel → service. */
  readonly #heard: Map<string, string>;
  readonly #origin = randomUUID();
  #leases = 0;
  /** By key in Redis. */
  readonly #unsent = new Map<string, { cache: string; version: number; key: string }>();
  #subscribed = Promise.resolve();
  #resend: NodeJS.Timeout | undefined;
  #failures = 0;
  #probing: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ url, service, commandTimeoutMs, logger, onForgotten, onDoubt }: CacheRedisOptions) {
    this.#service = service;
    this.#channel = channelOf(service);
    this.#heard = new Map([[this.#channel, service]]);
    const options = {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      connectTimeout: 1_000,
      retryStrategy: (attempt: number) => Math.min(50 * attempt, 500) + Math.random() * 50,
    };
    this.#redis = new Redis(url, {
      ...options,
      commandTimeout: commandTimeoutMs,
      socketTimeout: 4 * commandTimeoutMs,
      scripts: cacheScripts,
    }) as CacheCommands;
    // A page of products that nobody has kept is one write to Redis, not twenty.
    gatherWrites(this.#redis);
    measureRedis(this.#redis, 'cache');
    this.#subscriber = new Redis(url, { ...options, commandTimeout: 1_000, autoResubscribe: false });
    logOutages(this.#redis, logger);
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('ready', () => {
      // In doubt until the subscription stands: what is published before that does not arrive.
      this.#subscribed = this.#subscriber.subscribe(...this.#heard.keys()).then(onDoubt, () => this.#subscriber.disconnect(true));
    });
    this.#subscriber.on('message', (channel: string, message: string) => {
      const forgetting = decodeForgetting(message, this.#origin);
      if (forgetting) onForgotten(forgetting, this.#heard.get(channel) ?? service);
    });
  }

  /** Connects and subscribes; a Redis that is down is no error. */
  async connect(): Promise<void> {
    await Promise.all([this.#redis, this.#subscriber].map((redis) => redis.connect().catch(() => undefined)));
    await this.#subscribed;
  }

  /** Hears what another service forgets. */
  follow(service: string): void {
    const channel = channelOf(service);
    if (this.#heard.has(channel)) return;
    this.#heard.set(channel, service);
    if (this.#subscriber.status === 'ready') this.#subscriber.subscribe(channel).catch(() => this.#subscriber.disconnect(true));
  }

  disconnect(): void {
    this.#closed = true;
    clearTimeout(this.#resend);
    clearTimeout(this.#probing);
    this.#redis.disconnect();
    this.#subscriber.disconnect();
  }

  /** @throws when Redis does not answer */
  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  /**
   * The entries of keys, and leases for those to load; undefined when Redis cannot be asked or its entries are known to be old.
   *
   * @param staleMs for how long entries are kept beyond their time
   * @param leaseBelowMs with so much time left an entry is to be loaded
   */
  async read(owner: Owner, keys: readonly string[], staleMs: number, leaseBelowMs = 0): Promise<SharedEntry[] | undefined> {
    const redisKeys = keys.map((key) => this.#keyOf(owner, key));
    if (this.#unsent.size > 0 && redisKeys.some((key) => this.#unsent.has(key))) return undefined;
    const token = this.#newToken();
    const leases = redisKeys.map(leaseOf);
    const answer = await this.#attempt('read', () =>
      this.#redis.readEntriesBuffer(2 * keys.length, ...redisKeys, ...leases, token, leaseMs, staleMs, Math.ceil(leaseBelowMs)),
    );
    return answer && keys.map((_, index) => {
      const [entry, leftMs, leased] = answer.slice(3 * index, 3 * index + 3) as [Buffer | null, number, 0 | 1];
      return { entry, leftMs, token: leased === 1 ? token : undefined };
    });
  }

  /** Writes an entry if the lease still holds. Not waited for. */
  fill(owner: Owner, key: string, token: string, entry: Buffer, ttlMs: number): void {
    const redisKey = this.#keyOf(owner, key);
    void this.#attempt('fill', () => this.#redis.fillEntry(redisKey, leaseOf(redisKey), token, entry, ttlMs));
  }

  /** Gives leases back, for the next to load. Not waited for. */
  release(owner: Owner, leases: readonly (readonly [key: string, token: string])[]): void {
    for (const [token, ofToken] of Map.groupBy(leases, (lease) => lease[1])) {
      const keys = ofToken.map(([key]) => leaseOf(this.#keyOf(owner, key)));
      void this.#attempt('fill', () => this.#redis.releaseLeases(keys.length, ...keys, token));
    }
  }

  /** Replaces whatever stands there by a tombstone. Not waited for. */
  bury(owner: Owner, key: string): void {
    void this.#attempt('fill', () => this.#bury([this.#keyOf(owner, key)]));
  }

  /** Writes an entry unless a later one stands there, and tells the other replicas to drop theirs; else forgets the key. */
  async put(owner: Owner, key: string, { entry, revision, ttlMs }: { entry: Buffer; revision: number; ttlMs: number }): Promise<void> {
    const redisKey = this.#keyOf(owner, key);
    const forgetting = { cache: owner.name, version: owner.version, keys: [key] };
    if (this.#unsent.has(redisKey)) return this.forget(forgetting);
    try {
      await Promise.all([
        this.#redis.putEntry(redisKey, leaseOf(redisKey), entry, ttlMs, revision),
        this.#redis.publish(this.#channel, JSON.stringify({ ...forgetting, origin: this.#origin })),
      ]);
    } catch {
      await this.forget(forgetting);
    }
  }

  /** Buries keys and tells the other replicas; what fails is sent again every second until it succeeds. */
  async forget(forgetting: Forgetting): Promise<void> {
    const { cache, version, keys } = forgetting;
    if (keys.length === 0) return;
    const owner = { name: cache, version };
    const redisKeys = keys.map((key) => this.#keyOf(owner, key));
    try {
      const message = JSON.stringify({ ...forgetting, origin: this.#origin });
      await Promise.all([
        this.#bury(redisKeys),
        this.#redis.publish(this.#channel, message),
      ]);
      for (const key of redisKeys) this.#unsent.delete(key);
    } catch {
      cacheRedisErrors.inc({ operation: 'forget' });
      for (const [index, key] of keys.entries()) this.#unsent.set(redisKeys[index] as string, { cache, version, key });
      for (const key of this.#unsent.keys()) {
        if (this.#unsent.size <= mostUnsent) break;
        this.#unsent.delete(key);
      }
      this.#resend ??= setTimeout(() => void this.#sendAgain(), resendMs).unref();
    }
  }

  #bury(redisKeys: readonly string[]): Promise<null> {
    return this.#redis.buryEntries(2 * redisKeys.length, ...redisKeys, ...redisKeys.map(leaseOf), tombstone, tombstoneMs);
  }

  /** No two flights share one, so that a slow one cannot use the lease of its successor. */
  #newToken(): string {
    this.#leases += 1;
    return `${this.#origin}:${this.#leases}`;
  }

  async #sendAgain(): Promise<void> {
    this.#resend = undefined;
    const caches = Map.groupBy(this.#unsent.values(), ({ cache }) => cache);
    for (const [cache, entries] of caches) {
      for (const [version, ofVersion] of Map.groupBy(entries, (entry) => entry.version)) {
        await this.forget({ cache, version, keys: ofVersion.map(({ key }) => key) });
      }
    }
  }

  async #attempt<Answer>(operation: 'read' | 'fill', send: () => Promise<Answer>): Promise<Answer | undefined> {
    if (this.#failures >= failuresToPause) return undefined;
    try {
      const span = startSpan(`redis ${operation}`, 'client')?.set('db.system.name', 'redis');
      const answer = await inSpan(span, send);
      this.#failures = 0;
      return answer;
    } catch {
      cacheRedisErrors.inc({ operation });
      this.#failures += 1;
      if (this.#failures === failuresToPause) this.#probeLater();
      return undefined;
    }
  }

  #probeLater(): void {
    clearTimeout(this.#probing);
    if (this.#closed || this.#failures < failuresToPause) return;
    this.#probing = setTimeout(() => {
      this.#redis.ping().then(
        () => (this.#failures = 0),
        () => this.#probeLater(),
      );
    }, probeMs);
  }

  #keyOf({ name, version }: Owner, key: string): string {
    return `${this.#service}:${name}:v${version}:${key}`;
  }
}

function channelOf(service: string): string {
  return `${service}:forget`;
}

function leaseOf(redisKey: string): string {
  return `${redisKey}:lease`;
}

function decodeForgetting(message: string, ownOrigin: string): Forgetting | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  const { origin, cache, version, keys } = (parsed ?? {}) as Partial<Forgetting> & { origin?: string };
  if (origin === ownOrigin || typeof cache !== 'string' || typeof version !== 'number' || !Array.isArray(keys)) return undefined;
  return { cache, version, keys };
}

function logOutages(redis: Redis, logger: Logger): void {
  let reported = false;
  redis.on('error', (error: Error) => {
    if (!reported) logger.warn(`Redis of the caches: ${error.message}`);
    reported = true;
  });
  redis.on('ready', () => {
    if (reported) logger.log('Redis of the caches is back');
    reported = false;
  });
}
