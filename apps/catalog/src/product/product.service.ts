import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import type { Product } from '@tenfold/contracts';
import { hasChangedCatalog } from '../catalog.freshness.ts';
import { ProductRepository } from './product.repository.ts';
import type { ProductChange } from './product.repository.ts';

@Injectable()
export class ProductService {
  readonly #cache: Cache<Product>;

  constructor(
    caches: CacheStore,
    private readonly products: ProductRepository,
  ) {
    this.#cache = caches.cache<Product>({
      name: 'product',
      version: 1,
      memory: { entries: 10_000, ttlMs: 30_000 },
      redis: { ttlMs: 300_000 },
    });
  }

  async get(id: number): Promise<Product | undefined> {
    const load = async () => (await this.products.find([id])).get(id);
    return hasChangedCatalog() ? load() : this.#cache.get(String(id), load);
  }

  /** Products in the order of their ids as given; unknown ones are left out. */
  async getMany(ids: readonly number[]): Promise<Product[]> {
    if (hasChangedCatalog()) {
      const found = await this.products.find(ids);
      return [...new Set(ids)].flatMap((id) => found.get(id) ?? []);
    }
    const found = await this.#cache.getMany(ids.map(String), async (missing) => {
      const loaded = await this.products.find(missing.map(Number));
      return new Map([...loaded].map(([id, product]) => [String(id), product]));
    });
    return [...found.values()];
  }

  async change(id: number, change: ProductChange): Promise<Product | undefined> {
    const product = await this.products.change(id, change);
    if (product) await this.forget(id);
    return product;
  }

  /** Drops a product from the caches of all replicas. */
  async forget(id: number): Promise<void> {
    await this.#cache.forget(String(id));
  }
}
