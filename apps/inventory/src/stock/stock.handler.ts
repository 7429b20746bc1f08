import { Controller } from '@nestjs/common';
import { inventoryCalls } from '@tenfold/contracts';
import type { ResponseOf, Stock, ValidRequestOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { StockRepository } from './stock.repository.ts';

const { getStock, restock } = inventoryCalls.calls;

@Controller()
export class StockHandler {
  constructor(private readonly stock: StockRepository) {}

  @Answers(getStock)
  async getStock({ productIds }: ValidRequestOf<typeof getStock>): Promise<ResponseOf<typeof getStock>> {
    const ids = [...new Set(productIds)];
    const found = new Map((await this.stock.find(ids)).map((stock) => [stock.productId, stock]));
    return { items: ids.map((productId) => found.get(productId) ?? nothingOf(productId)) };
  }

  @Answers(restock)
  restock({ productId, quantity, deliveryId }: ValidRequestOf<typeof restock>): Promise<Stock> {
    return this.stock.restock(productId, quantity, deliveryId);
  }
}

function nothingOf(productId: number): Stock {
  return { productId, available: 0, reserved: 0, version: 0 };
}
