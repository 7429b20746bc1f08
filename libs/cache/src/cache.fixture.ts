import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Test } from '@nestjs/testing';
import { FaultModule, HealthModule } from '@tenfold/service';
import type { FaultSwitch } from '@tenfold/service';
import { registry } from '@tenfold/telemetry';
import { CacheModule } from './cache.module.ts';
import type { CacheModuleOptions } from './cache.module-definition.ts';
import type { CacheOutcome } from './cache.metrics.ts';
import { CacheStore } from './cache.store.ts';

export interface Product {
  id: number;
  name: string;
  tags: string[];
}

/** A name that no other test uses, for a service or a cache. */
export const unique = (what: string) => `test-${what}-${randomUUID()}`;

/** One replica's caches, as a service gets them. */
export async function openReplica(options: Omit<CacheModuleOptions, 'service'> & { service: string }, faults?: FaultSwitch) {
  const module = await Test.createTestingModule({
    imports: [HealthModule.register(), ...(faults ? [FaultModule.register(faults)] : []), CacheModule.register({ commandTimeoutMs: 100, ...options })],
  }).compile();
  module.useLogger(false);
  await module.init();
  return { store: module.get(CacheStore), close: () => module.close() };
}

/** A source that counts how often it is asked, and can be held back. */
export class Source {
  readonly products = new Map<string, Product>();
  readonly asked: string[] = [];
  #held: Promise<void> | undefined;

  set(key: string, name: string): void {
    this.products.set(key, { id: Number(key), name, tags: ['new'] });
  }

  /** Answers, already read, wait until the function returned is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return () => {
      this.#held = undefined;
      resolve();
    };
  }

  readonly one = (key: string) => async (): Promise<Product | undefined> => (await this.many([key])).get(key);

  readonly many = async (keys: string[]): Promise<Map<string, Product | undefined>> => {
    this.asked.push(...keys);
    const read = new Map(keys.map((key) => [key, structuredClone(this.products.get(key))]));
    await (this.#held ?? delay(5));
    return read;
  };
}

/** How often the cache gave each outcome. */
export async function outcomes(cache: string): Promise<Partial<Record<CacheOutcome, number>>> {
  const metric = await registry.getSingleMetric('cache_requests_total')?.get();
  const values = (metric?.values ?? []).filter(({ labels, value }) => labels['cache'] === cache && value > 0);
  return Object.fromEntries(values.map(({ labels, value }) => [labels['outcome'], value]));
}

/** How many operations Redis has failed. */
export async function redisErrors(operation: string): Promise<number> {
  const metric = await registry.getSingleMetric('cache_redis_errors_total')?.get();
  return metric?.values.find(({ labels }) => labels['operation'] === operation)?.value ?? 0;
}

/** How often the caches of this process have asked Redis. */
export async function roundTrips(): Promise<number> {
  const metric = await registry.getSingleMetric('redis_round_trips_total')?.get();
  return metric?.values.find(({ labels }) => labels['client'] === 'cache')?.value ?? 0;
}
