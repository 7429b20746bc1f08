import { Body, Controller, Get, Logger, Param, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { order, orderPage, ordersCalls } from '@tenfold/contracts';
import type { Order, OrderPage } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { SessionStore } from '@tenfold/session';
import type { SessionAccount } from '@tenfold/session';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { cartItems } from '../cart/cart.controller.ts';
import { IdempotencyKey } from '../idempotency/idempotency-key.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { pageQuery } from '../pages/page.query.ts';
import type { PageQuery } from '../pages/page.query.ts';
import { CurrentAccount, CurrentSessionOf } from '../sessions/current-session.ts';
import type { CurrentSession } from '../sessions/current-session.ts';
import { bodyHashOf, namedMonth, namedOrder, newOrder } from './order.request.ts';
import type { NewOrder } from './order.request.ts';

const archivedOrders = ordersCalls.calls.listArchivedOrders.response;

@Controller('v1/orders')
export class OrderController {
  readonly #logger = new Logger(OrderController.name);

  constructor(
    @InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>,
    private readonly sessions: SessionStore,
  ) {}

  @Post()
  @RouteConfig({ statements: 24 })
  @Documented({
    summary: 'Order the given items, else the cart',
    description:
      'The same key with the same body gets the first answer again, with the header `Idempotency-Replayed: true`, ' +
      'and orders nothing. The cart is emptied of what was ordered from it.',
    requestHeaders: { 'Idempotency-Key': 'Chosen by the client, new for each order: 8 to 128 printable characters without spaces.' },
    answers: { 201: order },
    problems: ['key-reused', 'out-of-stock', 'unknown-product', 'nothing-to-order'],
  })
  async place(
    @CurrentAccount() account: SessionAccount,
    @CurrentSessionOf() current: CurrentSession,
    @IdempotencyKey() idempotencyKey: string,
    @Body({ schema: newOrder }) body: NewOrder,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Order> {
    const placed = await this.orders.placeOrder({
      accountId: account.id,
      idempotencyKey,
      bodyHash: bodyHashOf(body),
      // Also when the cart is empty: it is after the first attempt, and a second one must get the first answer.
      items: body.items ?? cartItems(current.session.cart),
    });
    if (!body.items) await this.#clearCart(current.id, placed.order);
    void reply.header('location', `/v1/orders/${placed.order.id}`);
    if (placed.replayed) void reply.header('idempotency-replayed', 'true');
    return placed.order;
  }

  @Get()
  @RouteConfig({ statements: 1 })
  @Documented({
    summary: 'List my orders, the latest first',
    description: 'The last page says of which months there are older orders in the archive.',
    answers: { 200: orderPage },
  })
  list(
    @CurrentAccount() account: SessionAccount,
    @Query({ schema: pageQuery }) query: PageQuery,
  ): Promise<OrderPage> {
    return this.orders.listOrders({ accountId: account.id, ...query });
  }

  @Get(':id')
  @RouteConfig({ statements: 2 })
  @Documented({ summary: 'Get one of my orders', answers: { 200: order }, problems: ['not-found'] })
  show(
    @CurrentAccount() account: SessionAccount,
    @Param({ schema: namedOrder }) { id }: z.output<typeof namedOrder>,
  ): Promise<Order> {
    return this.orders.getOrder({ accountId: account.id, id });
  }

  @Get('archived/:month')
  @RouteConfig({ statements: 1 })
  @Documented({ summary: 'List my orders of a month that is in the archive', answers: { 200: archivedOrders }, problems: ['not-found'] })
  listArchived(
    @CurrentAccount() account: SessionAccount,
    @Param({ schema: namedMonth }) { month }: z.output<typeof namedMonth>,
  ): Promise<z.output<typeof archivedOrders>> {
    return this.orders.listArchivedOrders({ accountId: account.id, month });
  }

  /** Only what was ordered: another tab may have added something meanwhile. */
  async #clearCart(sessionId: string, { lines }: Order): Promise<void> {
    try {
      await this.sessions.clearCart(sessionId, new Map(lines.map(({ productId, quantity }) => [productId, quantity])));
    } catch (error) {
      // The order stands, so it is answered; the client sees the cart still full.
      this.#logger.warn({ err: error, msg: 'cart could not be emptied after its order' });
    }
  }
}
