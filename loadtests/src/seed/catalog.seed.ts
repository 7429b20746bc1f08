import type { Client } from 'pg';
import { copyRow, copyRows } from './copy.ts';
import { kinds, productAt } from './product.ts';
import type { ServiceSeed } from './service-seed.ts';

export const catalogSeed: ServiceSeed = {
  service: 'catalog',
  tables: ['categories', 'products'],
  async write(client: Client, { products, until }) {
    await copyRows(client, 'categories (id, name)', categoryRows());
    return copyRows(
      client,
      'products (id, name, description, category_id, price_cents, version, updated_at)',
      productRows(products, until.toISOString()),
    );
  },
};

function* categoryRows(): Generator<string> {
  for (const [index, { name }] of kinds.entries()) yield copyRow(index + 1, name);
}

function* productRows(products: number, updatedAt: string): Generator<string> {
  for (let id = 1; id <= products; id++) {
    const { name, description, categoryId, priceCents } = productAt(id);
    yield copyRow(id, name, description, categoryId, priceCents, 1, updatedAt);
  }
}
