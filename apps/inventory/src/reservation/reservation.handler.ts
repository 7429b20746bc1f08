import { Controller } from '@nestjs/common';
import { inventoryCalls } from '@tenfold/contracts';
import type { ItemQuantity, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Answers, CallError } from '@tenfold/rpc';
import { StockDisplay } from '../stock/stock.display.ts';
import { ReservationBatch } from './reservation.batch.ts';
import { ReservationRepository } from './reservation.repository.ts';

const { reserve, release } = inventoryCalls.calls;

@Controller()
export class ReservationHandler {
  constructor(
    private readonly batch: ReservationBatch,
    private readonly reservations: ReservationRepository,
    private readonly display: StockDisplay,
  ) {}

  @Answers(reserve)
  async reserve({ orderId, items }: ValidRequestOf<typeof reserve>): Promise<ResponseOf<typeof reserve>> {
    // As the database writes it, by which claims are told apart.
    const result = await this.batch.reserve({ orderId: orderId.toLowerCase(), items: mergeItems(items) });
    switch (result.outcome) {
      case 'reserved':
        return {};
      case 'out-of-stock':
        throw new CallError('out-of-stock', `too little of ${result.short.map((id) => `product ${id}`).join(', ')}`);
      case 'reserved-differently':
        throw new CallError('reserved-differently', `order ${orderId} has reserved other items`);
      case 'released':
        // An answer of success would let the order go on without stock.
        throw new CallError('reserved-differently', `order ${orderId} has given back what it had reserved`);
    }
  }

  @Answers(release)
  async release({ orderId }: ValidRequestOf<typeof release>): Promise<ResponseOf<typeof release>> {
    this.display.show(await this.reservations.release(orderId));
    return {};
  }
}

/** Each product once, in ascending order. */
function mergeItems(items: readonly ItemQuantity[]): ItemQuantity[] {
  const quantities = new Map<number, number>();
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((left, right) => left.productId - right.productId);
}
