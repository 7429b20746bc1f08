import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { catalogCalls } from '@tenfold/contracts';
import { CallError, InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { currentContext } from '@tenfold/telemetry';
import type { FastifyRequest } from 'fastify';
import { cacheableAnswer, readsPastSharedCaches } from '../sessions/http-cache.ts';
import type { CacheableAnswer } from '../sessions/http-cache.ts';

/**
 * Products as they are answered, kept in memory: asked for again, one costs neither a call nor a statement. An answer is
 * forgotten when the catalog forgets the product it is made of, and when a change passes through this gateway or another.
 */
@Injectable()
export class ProductAnswers {
  readonly #cache: Cache<CacheableAnswer>;

  constructor(
    caches: CacheStore,
    @InjectCalls(catalogCalls) private readonly catalog: CallClient<typeof catalogCalls>,
  ) {
    this.#cache = caches.cache<CacheableAnswer>({
      name: 'product-answer',
      version: 1,
      memory: { entries: 5_000, ttlMs: 10_000 },
      follows: { service: 'catalog', cache: 'product' },
    });
  }

  /** @throws CallError `not-found` */
  async of(id: number, request: FastifyRequest): Promise<CacheableAnswer> {
    const load = async () => cacheableAnswer(await this.catalog.getProduct({ id }));
    if (readsPastSharedCaches(request)) return load();
    try {
      return (await this.#cache.get(String(id), load)) as CacheableAnswer;
    } catch (error) {
      // Who asked first, and for whom others waited, has hung up: that is no reason to fail for them.
      const isOthers = error instanceof CallError && error.code === 'cancelled' && !currentContext()?.signal.aborted;
      if (isOthers) return load();
      throw error;
    }
  }

  /** Drops the answer of a product that has changed from the memory of all gateways. */
  async forget(id: number): Promise<void> {
    await this.#cache.forget(String(id));
  }
}
