import { Inject, Injectable, Logger, Optional } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { FaultSwitch, Health } from '@tenfold/service';
import { measureEntries } from './cache.metrics.ts';
import { cacheModuleOptions } from './cache.module-definition.ts';
import type { CacheModuleOptions } from './cache.module-definition.ts';
import { CacheRedis } from './cache.redis.ts';
import type { Forgetting } from './cache.redis.ts';
import { Cache } from './cache.ts';
import type { CacheOptions } from './cache.options.ts';

/** Where a service gets its caches from. All of them share two connections to Redis. */
@Injectable()
export class CacheStore implements OnModuleInit, OnApplicationShutdown {
  readonly #caches = new Map<string, Pick<Cache<never>, 'size' | 'version' | 'dropFromMemory' | 'name' | 'switchOff'>>();
  /** `service:cache` → the caches here that follow it. */
  readonly #followers = new Map<string, Pick<Cache<never>, 'dropFromMemory'>[]>();
  readonly #service: string;
  readonly #redis: CacheRedis;
  readonly #off: ReadonlySet<string>;

  constructor(@Inject(cacheModuleOptions) options: CacheModuleOptions, health: Health, @Optional() faults?: FaultSwitch) {
    this.#off = new Set(options.off);
    this.#service = options.service;
    this.#redis = new CacheRedis({
      url: options.redisUrl,
      service: options.service,
      commandTimeoutMs: options.commandTimeoutMs ?? 150,
      logger: new Logger(CacheStore.name),
      onForgotten: (forgetting, service) => this.#dropForgotten(forgetting, service),
      onDoubt: () => {
        for (const cache of this.#caches.values()) cache.dropFromMemory();
      },
    });
    health.register({ name: 'cache-redis', required: false, check: () => this.#redis.ping() });
    measureEntries(() => this.#caches.values());
    faults?.register({
      name: 'cache-off',
      apply: (settings) => {
        for (const cache of this.#caches.values()) cache.switchOff(settings !== undefined || this.#isOff(cache.name));
      },
    });
  }

  /**
   * Declares a cache; call it once per name, e.g. in a constructor.
   *
   * @throws RangeError for a name that is taken or holds a colon
   */
  cache<Value extends NonNullable<unknown>>(options: CacheOptions): Cache<Value> {
    if (this.#caches.has(options.name)) throw new RangeError(`The cache ${options.name} is declared twice.`);
    if (options.name.includes(':')) throw new RangeError(`The name of a cache holds no colon: ${options.name}`);
    const cache = new Cache<Value>(options, this.#redis, this.#isOff(options.name));
    this.#caches.set(options.name, cache);
    if (options.follows) {
      const { service, cache: followed } = options.follows;
      this.#followers.set(`${service}:${followed}`, [...(this.#followers.get(`${service}:${followed}`) ?? []), cache]);
      this.#redis.follow(service);
    }
    return cache;
  }

  /** Connects; a Redis that is down does not stop the boot. */
  async onModuleInit(): Promise<void> {
    await this.#redis.connect();
  }

  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }

  #isOff(name: string): boolean {
    return this.#off.has(name) || this.#off.has('*');
  }

  #dropForgotten({ cache: name, version, keys }: Forgetting, service: string): void {
    for (const follower of this.#followers.get(`${service}:${name}`) ?? []) follower.dropFromMemory(keys);
    const cache = service === this.#service ? this.#caches.get(name) : undefined;
    if (!cache) return;
    cache.dropFromMemory(keys);
    // A replica of another version buried its own entries in Redis; ours stand under other keys.
    if (version !== cache.version) for (const key of keys) this.#redis.bury(cache, key);
  }
}
