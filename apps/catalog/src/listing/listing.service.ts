import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { catalogCalls } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Cursors } from '@tenfold/database';
import { hasChangedCatalog } from '../catalog.freshness.ts';
import { ProductService } from '../product/product.service.ts';
import { cursorOf, positionSchema } from './listing.order.ts';
import { ListingRepository } from './listing.repository.ts';
import type { ListingFilter, ListingPage } from './listing.repository.ts';

type Filter = ValidRequestOf<typeof catalogCalls.calls.listProducts>;
type ProductPage = ResponseOf<typeof catalogCalls.calls.listProducts>;

@Injectable()
export class ListingService {
  /** Pages as lists of ids: which products are found may be some seconds old, what they cost comes from the products. */
  readonly #pages: Cache<ListingPage>;

  constructor(
    caches: CacheStore,
    private readonly listings: ListingRepository,
    private readonly products: ProductService,
    private readonly cursors: Cursors,
  ) {
    this.#pages = caches.cache<ListingPage>({
      name: 'listing',
      version: 2,
      memory: { entries: 5_000, ttlMs: 10_000 },
      redis: { ttlMs: 30_000 },
    });
  }

  /** @throws DatabaseError `bad-cursor` */
  async list({ q, category, sort = 'created', direction = 'asc', limit, after }: Filter): Promise<ProductPage> {
    const words = q === undefined ? undefined : normalise(q);
    const order = { sort, direction };
    // A cursor is good for the list that gave it out, with this sort and direction, and for no other.
    const list = `products ${category ?? ''} ${words ?? ''}${sort === 'created' && direction === 'asc' ? '' : ` by ${sort} ${direction}`}`;
    const filter = { words, category, ...order, after: after === undefined ? undefined : this.cursors.decode(list, after, positionSchema(order)) };
    const { ids, end } = await this.#findPage(filter, limit);
    const products = await this.products.getMany(ids);
    return {
      items: products.map(({ id, name, categoryId, priceCents }) => ({ id, name, categoryId, priceCents })),
      next: end && this.cursors.encode(list, cursorOf(end)),
    };
  }

  async #findPage(filter: ListingFilter, limit: number): Promise<ListingPage> {
    const load = () => this.listings.findPage(filter, limit);
    if (hasChangedCatalog()) return load();
    const key = JSON.stringify([filter.words, filter.category, filter.sort, filter.direction, filter.after, limit]);
    return (await this.#pages.get(key, load)) ?? { ids: [], end: null };
  }
}

/** The same words in another order or case find the same products, and share an entry of the cache. */
function normalise(words: string): string {
  // PostgreSQL takes no NUL in a text; no control character is part of a word.
  const clean = words.replaceAll(/\p{Cc}/gu, ' ').toLowerCase();
  return [...new Set(clean.split(/\s+/u))].sort().join(' ');
}
