import { Controller } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import type { Order, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { DatabaseError } from '@tenfold/database';
import { Answers, CallError } from '@tenfold/rpc';
import { OrderArchive } from '../archive/order.archive.ts';
import { OrderRepository } from './order.repository.ts';

const { listOrders, getOrder } = ordersCalls.calls;

@Controller()
export class OrderHandler {
  constructor(
    private readonly orders: OrderRepository,
    private readonly archive: OrderArchive,
  ) {}

  @Answers(listOrders)
  async listOrders({ accountId, limit, after }: ValidRequestOf<typeof listOrders>): Promise<ResponseOf<typeof listOrders>> {
    try {
      const { items, next } = await this.orders.list(accountId, limit, after);
      return {
        items: items.map(({ id, status, totalCents, createdAt }) => ({
          id,
          status,
          totalCents,
          createdAt: createdAt.toISOString(),
        })),
        next,
      };
    } catch (error) {
      if (error instanceof DatabaseError && error.code === 'bad-cursor') {
        throw new CallError('bad-cursor', error.message, { cause: error });
      }
      throw error;
    }
  }

  @Answers(getOrder)
  async getOrder({ accountId, id }: ValidRequestOf<typeof getOrder>): Promise<Order> {
    const order = await this.orders.find(accountId, id);
    if (order) return { ...order, createdAt: order.createdAt.toISOString() };
    const archived = await this.archive.find(accountId, id);
    if (!archived) throw new CallError('not-found', `no order ${id} of this account`);
    return archived;
  }
}
