import { Injectable } from '@nestjs/common';
import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import type { Category } from '@tenfold/contracts';
import { Database } from '@tenfold/database';

/** All of them at once: there are some dozens. */
const all = 'all';

/**
 * Categories change by a release, not by somebody at work: a time to live is all the invalidation that they need. While the
 * database cannot be read, those of the last hour are shown.
 */
@Injectable()
export class CategoryService {
  readonly #cache: Cache<Category[]>;

  constructor(
    caches: CacheStore,
    private readonly database: Database,
  ) {
    this.#cache = caches.cache<Category[]>({
      name: 'category',
      version: 1,
      memory: { entries: 1, ttlMs: 60_000 },
      redis: { ttlMs: 300_000 },
      staleIfErrorMs: 3_600_000,
    });
  }

  async list(): Promise<Category[]> {
    const load = () => this.database.read((manager) => manager.query<Category[]>('select id, name from categories order by name, id'));
    return (await this.#cache.get(all, load)) ?? [];
  }
}
