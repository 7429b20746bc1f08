import { randomUUID } from 'node:crypto';
import type { Logger } from '@nestjs/common';
import { inSpan, measureRedis, startSpan } from '@tenfold/telemetry';
import { Redis } from 'ioredis';
import { tombstone } from './cache.entry.ts';
import { cacheRedisErrors } from './cache.metrics.ts';

/** Milliseconds for which a forgotten key refuses values. Longer protects slower loads, and sends more of them to the source. */
export const tombstoneMs = 2_000;

/** Failures in a row after which Redis is left alone for `pauseMs`; then one command tries again. */
const failuresToPause = 5;
const pauseMs = 1_000;

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

export interface CacheRedisOptions {
  url: string;
  service: string;
  commandTimeoutMs: number;
  logger: Logger;
  /** Another replica forgot these. */
  onForgotten(forgetting: Forgetting): void;
  /** Messages may have been missed: everything in memory is in doubt. */
  onDoubt(): void;
}

/** The level in Redis, and the channel by which replicas tell each other what to forget. Never throws. */
export class CacheRedis {
  readonly #redis: Redis;
  readonly #subscriber: Redis;
  readonly #service: string;
  readonly #channel: string;
  readonly #origin = randomUUID();
  /** By key in Redis. */
  readonly #unsent = new Map<string, { cache: string; version: number; key: string }>();
  #subscribed = Promise.resolve();
  #resend: NodeJS.Timeout | undefined;
  #failures = 0;
  #pausedUntil = 0;

  constructor({ url, service, commandTimeoutMs, logger, onForgotten, onDoubt }: CacheRedisOptions) {
    this.#service = service;
    this.#channel = `${service}:forget`;
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
      // A page of products that nobody has kept is one write to Redis, not twenty.
      enableAutoPipelining: true,
      commandTimeout: commandTimeoutMs,
      socketTimeout: 4 * commandTimeoutMs,
    });
    measureRedis(this.#redis, 'cache');
    this.#subscriber = new Redis(url, { ...options, commandTimeout: 1_000, autoResubscribe: false });
    logOutages(this.#redis, logger);
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('ready', () => {
      // In doubt until the subscription stands: what is published before that does not arrive.
      this.#subscribed = this.#subscriber.subscribe(this.#channel).then(onDoubt, () => this.#subscriber.disconnect(true));
    });
    this.#subscriber.on('message', (_channel: string, message: string) => {
      const forgetting = decodeForgetting(message, this.#origin);
      if (forgetting) onForgotten(forgetting);
    });
  }

  /** Connects and subscribes; a Redis that is down is no error. */
  async connect(): Promise<void> {
    await Promise.all([this.#redis, this.#subscriber].map((redis) => redis.connect().catch(() => undefined)));
    await this.#subscribed;
  }

  disconnect(): void {
    clearTimeout(this.#resend);
    this.#redis.disconnect();
    this.#subscriber.disconnect();
  }

  /** @throws when Redis does not answer */
  async ping(): Promise<void> {
    await this.#redis.ping();
  }

  /** The entries of keys, null where there is none; undefined when Redis cannot be asked or its entries are known to be old. */
  async read(owner: Owner, keys: readonly string[]): Promise<(Buffer | null)[] | undefined> {
    const redisKeys = keys.map((key) => this.#keyOf(owner, key));
    if (this.#unsent.size > 0 && redisKeys.some((key) => this.#unsent.has(key))) return undefined;
    return this.#attempt('read', () => this.#redis.mgetBuffer(redisKeys));
  }

  /** Writes an entry unless something stands there: a tombstone, or the value of another replica. Not waited for. */
  fill(owner: Owner, key: string, entry: Buffer, ttlMs: number): void {
    void this.#attempt('fill', () => this.#redis.set(this.#keyOf(owner, key), entry, 'PX', ttlMs, 'NX'));
  }

  /** Replaces whatever stands there by a tombstone. Not waited for. */
  bury(owner: Owner, key: string): void {
    void this.#attempt('fill', () => this.#redis.set(this.#keyOf(owner, key), tombstone, 'PX', tombstoneMs));
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
        ...redisKeys.map((key) => this.#redis.set(key, tombstone, 'PX', tombstoneMs)),
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
      this.#resend ??= setTimeout(() => void this.#sendAgain(), pauseMs).unref();
    }
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
    if (this.#failures >= failuresToPause) {
      const now = performance.now();
      if (now < this.#pausedUntil) return undefined;
      this.#pausedUntil = now + pauseMs;
    }
    try {
      const span = startSpan(`redis ${operation}`, 'client')?.set('db.system.name', 'redis');
      const answer = await inSpan(span, send);
      this.#failures = 0;
      return answer;
    } catch {
      cacheRedisErrors.inc({ operation });
      this.#failures += 1;
      if (this.#failures === failuresToPause) this.#pausedUntil = performance.now() + pauseMs;
      return undefined;
    }
  }

  #keyOf({ name, version }: Owner, key: string): string {
    return `${this.#service}:${name}:v${version}:${key}`;
  }
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
