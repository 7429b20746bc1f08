import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import type { Stock } from '@tenfold/contracts';
import { StockRepository } from './stock.repository.ts';

/**
 * What is said to be in stock. A delivery is written through: it is shown at once, and by its version never undone by a
 * later, older write. What orders take shows within a second; an order itself never looks here, it locks the stock.
 */
@Injectable()
export class StockDisplay {
  readonly #cache: Cache<Stock>;

  constructor(
    caches: CacheStore,
    private readonly stock: StockRepository,
  ) {
    this.#cache = caches.cache<Stock>({ name: 'stock', version: 1, redis: { ttlMs: 1_000 }, negativeTtlMs: 1_000 });
  }

  /** By product; those without stock events are left out. */
  find(productIds: readonly number[]): Promise<Map<string, Stock>> {
    return this.#cache.getMany(productIds.map(String), async (missing) => {
      const found = await this.stock.find(missing.map(Number));
      return new Map(found.map((stock) => [String(stock.productId), stock]));
    });
  }

  /** Called with what a delivery has made of the stock, once it is committed. */
  async write(stock: Stock): Promise<void> {
    await this.#cache.put(String(stock.productId), stock, stock.version);
  }
}
