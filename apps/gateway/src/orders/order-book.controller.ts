import { Controller, Get, Query } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { account, accountsCalls, orderOfAccount, ordersCalls, pageOf } from '@tenfold/contracts';
import type { Account } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import DataLoader from 'dataloader';
import type { z } from 'zod';
import { Documented } from '../openapi/documented.decorator.ts';
import { pageQuery } from '../pages/page.query.ts';
import type { PageQuery } from '../pages/page.query.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';

/** An order with who placed it; null when there is no such account any more. */
const orderOfCustomer = orderOfAccount.omit({ accountId: true }).extend({ customer: account.pick({ id: true, name: true, email: true }).nullable() });
type OrderOfCustomer = z.output<typeof orderOfCustomer>;

const orderBook = pageOf(orderOfCustomer);

/** The orders of everybody. */
@Controller('v1/order-book')
@AllowedTo('admin')
export class OrderBookController {
  constructor(
    @InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>,
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
  ) {}

  @Get()
  // Two shards of orders, and all customers of the page at once.
  @RouteConfig({ statements: 3 })
  @Documented({ summary: 'List the orders of all customers, the latest first', answers: { 200: orderBook } })
  async list(@Query({ schema: pageQuery }) query: PageQuery): Promise<z.output<typeof orderBook>> {
    const { items, next } = await this.orders.listAllOrders(query);
    const customers = this.#customers();
    const view = async ({ accountId, ...order }: (typeof items)[number]): Promise<OrderOfCustomer> => {
      const customer = await customers.load(accountId);
      return { ...order, customer: customer && { id: customer.id, name: customer.name, email: customer.email } };
    };
    return { items: await Promise.all(items.map(view)), next };
  }

  /** Each order asks for its customer; those of a page are one call, each customer once. Of one request: what it knows grows old. */
  #customers(): DataLoader<string, Account | null> {
    return new DataLoader(async (ids) => {
      const { items } = await this.accounts.getAccounts({ ids: [...ids] });
      const byId = new Map(items.map((found) => [found.id, found]));
      return ids.map((id) => byId.get(id) ?? null);
    });
  }
}
