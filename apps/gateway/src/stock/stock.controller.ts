import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { inventoryCalls, stock } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Documented } from '../openapi/documented.decorator.ts';
import { cacheableAnswer, sendCacheable } from '../sessions/http-cache.ts';
import { namedProduct } from '../products/product.request.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';

const stockView = stock.pick({ productId: true, available: true });

@Controller('v1/products/:id/stock')
export class StockController {
  constructor(@InjectCalls(inventoryCalls) private readonly inventory: CallClient<typeof inventoryCalls>) {}

  @Get()
  @RouteConfig({ statements: 1 })
  @AllowedTo('public')
  @Documented({ summary: 'See how many of a product are in stock', description: 'Up to some seconds old; unknown products have none.', answers: { 200: stockView, 304: null } })
  async show(
    @Param({ schema: namedProduct }) { id }: z.output<typeof namedProduct>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string | undefined> {
    const { items } = await this.inventory.getStock({ productIds: [id] });
    return sendCacheable(request, reply, cacheableAnswer({ productId: id, available: items[0]?.available ?? 0 }));
  }
}
