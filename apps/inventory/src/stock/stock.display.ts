import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import type { Stock } from '@tenfold/contracts';
import { StockRepository } from './stock.repository.ts';

/** For so long a change may go unseen whose replica died between its commit and its write. */
const displayMs = 5_000;

/**
 * What is said to be in stock. Whatever changes it, a delivery, a reservation, a release, is written through: it is shown
 * at once, and by its version never undone by a later, older write. An order itself never looks here, it locks the stock.
 */
@Injectable()
export class StockDisplay {
  readonly #cache: Cache<Stock>;

  constructor(
    caches: CacheStore,
    private readonly stock: StockRepository,
  ) {
    this.#cache = caches.cache<Stock>({ name: 'stock', version: 1, redis: { ttlMs: displayMs }, negativeTtlMs: 1_000 });
  }

  /** By product; those without stock events are left out. */
  find(productIds: readonly number[]): Promise<Map<string, Stock>> {
    return this.#cache.getMany(productIds.map(String), async (missing) => {
      const found = await this.stock.find(missing.map(Number));
      return new Map(found.map((stock) => [String(stock.productId), stock]));
    });
  }

  /** As {@link write}, for many, and nobody waits: to be shown a moment later is better than a slower checkout. */
  show(levels: readonly Stock[]): void {
    for (const stock of levels) void this.write(stock);
  }

  /** Called with what has become of the stock, once that is committed. */
  async write(stock: Stock): Promise<void> {
    await this.#cache.put(String(stock.productId), stock, stock.version);
  }
}
