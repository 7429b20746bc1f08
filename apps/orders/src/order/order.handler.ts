import { Controller } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import type { Order, OrderPage, OrderSummary, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { DatabaseError } from '@tenfold/database';
import { Answers, CallError } from '@tenfold/rpc';
import { OrderArchive } from '../archive/order.archive.ts';
import { OrderRepository } from './order.repository.ts';
import type { OrderHead } from './order.repository.ts';

const { listOrders, listAllOrders, listArchivedOrders, getOrder, streamOrders } = ordersCalls.calls;

@Controller()
export class OrderHandler {
  constructor(
    private readonly orders: OrderRepository,
    private readonly archive: OrderArchive,
  ) {}

  @Answers(listOrders)
  async listOrders({ accountId, limit, after }: ValidRequestOf<typeof listOrders>): Promise<OrderPage> {
    const { items, next, archived } = await this.orders.list(accountId, limit, after).catch(refuseCursor);
    return { items: items.map(summaryOf), next, ...(next === null && archived.length > 0 && { archived }) };
  }

  @Answers(listAllOrders)
  async listAllOrders({ limit, after }: ValidRequestOf<typeof listAllOrders>): Promise<ResponseOf<typeof listAllOrders>> {
    const { items, next } = await this.orders.listAll(limit, after).catch(refuseCursor);
    return { items: items.map((row) => ({ ...summaryOf(row), accountId: row.accountId })), next };
  }

  @Answers(listArchivedOrders)
  async listArchivedOrders({ accountId, month }: ValidRequestOf<typeof listArchivedOrders>): Promise<{ items: OrderSummary[] }> {
    const orders = await this.archive.list(accountId, month);
    if (orders.length === 0) throw new CallError('not-found', `no orders of ${month} in the archive`);
    return { items: orders.map(({ id, status, totalCents, createdAt }) => ({ id, status, totalCents, createdAt })) };
  }

  @Answers(getOrder)
  async getOrder({ accountId, id }: ValidRequestOf<typeof getOrder>): Promise<Order> {
    const order = await this.orders.find(accountId, id);
    if (order) return { ...order, createdAt: order.createdAt.toISOString() };
    const archived = await this.archive.find(accountId, id);
    if (!archived) throw new CallError('not-found', `no order ${id} of this account`);
    return archived;
  }

  @Answers(streamOrders)
  async *streamOrders({ after }: ValidRequestOf<typeof streamOrders>): AsyncGenerator<ResponseOf<typeof streamOrders>> {
    const total = await this.orders.countConfirmed();
    for await (const { items, after: place } of this.orders.confirmed(after)) {
      yield { items: items.map((order) => ({ ...order, createdAt: order.createdAt.toISOString() })), after: place, total };
    }
  }
}

function summaryOf({ id, status, totalCents, createdAt }: OrderHead): OrderSummary {
  return { id, status, totalCents, createdAt: createdAt.toISOString() };
}

function refuseCursor(error: unknown): never {
  if (!(error instanceof DatabaseError) || error.code !== 'bad-cursor') throw error;
  throw new CallError('bad-cursor', error.message, { cause: error });
}
