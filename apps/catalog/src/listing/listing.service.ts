import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { catalogCalls, integerId } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Cursors } from '@tenfold/database';
import { hasChangedCatalog } from '../catalog.freshness.ts';
import { ProductService } from '../product/product.service.ts';
import { ListingRepository } from './listing.repository.ts';
import type { ListingFilter } from './listing.repository.ts';

type Filter = ValidRequestOf<typeof catalogCalls.calls.listProducts>;
type ProductPage = ResponseOf<typeof catalogCalls.calls.listProducts>;

@Injectable()
export class ListingService {
  /** Pages as lists of ids: which products are found may be some seconds old, what they cost comes from the products. */
  readonly #pages: Cache<number[]>;

  constructor(
    caches: CacheStore,
    private readonly listings: ListingRepository,
    private readonly products: ProductService,
    private readonly cursors: Cursors,
  ) {
    this.#pages = caches.cache<number[]>({
      name: 'listing',
      version: 1,
      memory: { entries: 5_000, ttlMs: 10_000 },
      redis: { ttlMs: 30_000 },
    });
  }

  /** @throws DatabaseError `bad-cursor` */
  async list({ q, category, limit, after }: Filter): Promise<ProductPage> {
    const words = q === undefined ? undefined : normalise(q);
    const list = `products ${category ?? ''} ${words ?? ''}`;
    const filter = { words, category, after: after === undefined ? 0 : this.cursors.decode(list, after, integerId) };
    const ids = await this.#findIds(filter, limit + 1);
    const onPage = ids.slice(0, limit);
    const products = await this.products.getMany(onPage);
    return {
      items: products.map(({ id, name, categoryId, priceCents }) => ({ id, name, categoryId, priceCents })),
      next: ids.length > limit ? this.cursors.encode(list, onPage.at(-1)) : null,
    };
  }

  async #findIds(filter: ListingFilter, count: number): Promise<number[]> {
    const load = () => this.listings.findIds(filter, count);
    if (hasChangedCatalog()) return load();
    const key = JSON.stringify([filter.words, filter.category, filter.after, count]);
    return (await this.#pages.get(key, load)) ?? [];
  }
}

/** The same words in another order or case find the same products, and share an entry of the cache. */
function normalise(words: string): string {
  // PostgreSQL takes no NUL in a text; no control character is part of a word.
  const clean = words.replaceAll(/\p{Cc}/gu, ' ').toLowerCase();
  return [...new Set(clean.split(/\s+/u))].sort().join(' ');
}
