import { Injectable } from '@nestjs/common';
import { orderPlaced } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { BatchDelivery } from '@tenfold/jobs';
import { SalesRepository } from './sales.repository.ts';
import type { CategorySales } from './sales.repository.ts';

type Placed = PayloadOf<typeof orderPlaced>;

/** Adds every placed order to the sales of its day, exactly once: sums and inbox marks commit together. */
@Injectable()
export class SalesProjection {
  constructor(private readonly sales: SalesRepository) {}

  @Handles(orderPlaced, { batch: { size: 200, lingerMs: 200 } })
  async add(orders: readonly Placed[], { tx }: BatchDelivery): Promise<void> {
    await this.sales.add(tx, sumsOf(orders));
  }
}

/** One sum for each day and category; an order counts once in each of its categories. */
export function sumsOf(orders: readonly Placed[]): CategorySales[] {
  const sums = new Map<string, CategorySales>();
  for (const { createdAt, lines } of orders) {
    const day = createdAt.slice(0, 10);
    const counted = new Set<number>();
    for (const { categoryId, quantity, priceCents } of lines) {
      const key = `${day}/${categoryId}`;
      const sum = sums.get(key) ?? { day, categoryId, orders: 0, units: 0, revenueCents: 0 };
      if (!counted.has(categoryId)) sum.orders += 1;
      counted.add(categoryId);
      sum.units += quantity;
      sum.revenueCents += quantity * priceCents;
      sums.set(key, sum);
    }
  }
  return [...sums.values()];
}
