import { Injectable } from '@nestjs/common';
import { orderPlaced } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { Delivery } from '@tenfold/jobs';
import { SalesRepository } from './sales.repository.ts';
import type { CategorySales } from './sales.repository.ts';

/** Adds every placed order to the sales of its day, exactly once: sum and inbox mark commit together. */
@Injectable()
export class SalesProjection {
  constructor(private readonly sales: SalesRepository) {}

  @Handles(orderPlaced)
  async add({ createdAt, lines }: PayloadOf<typeof orderPlaced>, { tx }: Delivery): Promise<void> {
    const byCategory = new Map<number, CategorySales>();
    for (const { categoryId, quantity, priceCents } of lines) {
      const sum = byCategory.get(categoryId) ?? { categoryId, units: 0, revenueCents: 0 };
      sum.units += quantity;
      sum.revenueCents += quantity * priceCents;
      byCategory.set(categoryId, sum);
    }
    await this.sales.add(tx, createdAt.slice(0, 10), [...byCategory.values()]);
  }
}
