import { Injectable } from '@nestjs/common';
import { productChanged } from '@tenfold/contracts';
import type { catalogCalls, Product, ValidRequestOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { addMessage } from '@tenfold/jobs';
import { ProductEntity } from './product.entity.ts';

export type ProductChange = ValidRequestOf<typeof catalogCalls.calls.changeProduct>['change'];

type ProductRow = Omit<Product, 'updatedAt'> & { updatedAt: Date };

@Injectable()
export class ProductRepository {
  constructor(private readonly database: Database) {}

  /** Products by id; unknown ones are left out. */
  async find(ids: readonly number[]): Promise<Map<number, Product>> {
    const rows = await this.database.read((manager) =>
      manager.query<ProductRow[]>(
        `select id, name, description, category_id as "categoryId", price_cents as "priceCents", version,
           updated_at as "updatedAt"
         from products where id = any($1::int[])`,
        [ids],
      ),
    );
    return new Map(rows.map((row) => [row.id, toProduct(row)]));
  }

  /**
   * Changes a product and announces its new version in one transaction. A change to what it already is makes no version.
   *
   * @returns undefined when there is no such product
   */
  async change(id: number, change: ProductChange): Promise<Product | undefined> {
    return this.database.write(async (tx) => {
      const product = await tx.findOne(ProductEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (!product) return undefined;
      const versionBefore = product.version;
      await tx.save(Object.assign(product, change), { reload: true });
      if (product.version > versionBefore) {
        const { version, priceCents, name } = product;
        await addMessage(tx, productChanged, { id, version, priceCents, name });
      }
      return toProduct(product);
    });
  }
}

function toProduct({ id, name, description, categoryId, priceCents, version, updatedAt }: ProductRow): Product {
  return { id, name, description, categoryId, priceCents, version, updatedAt: updatedAt.toISOString() };
}
