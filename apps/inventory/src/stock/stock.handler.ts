import { Controller } from '@nestjs/common';
import { inventoryCalls } from '@tenfold/contracts';
import type { ResponseOf, Stock, ValidRequestOf } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { StockDisplay } from './stock.display.ts';
import { StockRepository } from './stock.repository.ts';

const { getStock, restock } = inventoryCalls.calls;

@Controller()
export class StockHandler {
  constructor(
    private readonly stock: StockRepository,
    private readonly display: StockDisplay,
  ) {}

  @Answers(getStock)
  async getStock({ productIds }: ValidRequestOf<typeof getStock>): Promise<ResponseOf<typeof getStock>> {
    const ids = [...new Set(productIds)];
    const found = await this.display.find(ids);
    return { items: ids.map((productId) => found.get(String(productId)) ?? nothingOf(productId)) };
  }

  @Answers(restock)
  async restock({ productId, quantity, deliveryId }: ValidRequestOf<typeof restock>): Promise<Stock> {
    const stock = await this.stock.restock(productId, quantity, deliveryId);
    await this.display.write(stock);
    return stock;
  }
}

function nothingOf(productId: number): Stock {
  return { productId, available: 0, reserved: 0, version: 0 };
}
