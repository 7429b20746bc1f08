import { Injectable } from '@nestjs/common';
import { orderPlaced } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { BatchDelivery } from '@tenfold/jobs';
import { SalesRepository } from './sales.repository.ts';

type Placed = PayloadOf<typeof orderPlaced>;

/** Adds every confirmed order to the sales of its day and hour, exactly once: sums and inbox marks commit together. */
@Injectable()
export class SalesProjection {
  constructor(private readonly sales: SalesRepository) {}

  @Handles(orderPlaced, { batch: { size: 200, lingerMs: 200 } })
  async add(orders: readonly Placed[], { tx }: BatchDelivery): Promise<void> {
    const { live, building } = await this.sales.generations(tx);
    const ids = orders.map(({ orderId }) => orderId);
    const counted = await this.sales.countedBefore(tx, live, ids);
    await this.sales.add(tx, live, orders.filter(({ orderId }) => !counted.has(orderId)));
    if (building === null) return;
    // Those that the history has brought already are in it.
    const fresh = await this.sales.countOnce(tx, building, ids);
    await this.sales.add(tx, building, orders.filter(({ orderId }) => fresh.has(orderId)));
  }
}
