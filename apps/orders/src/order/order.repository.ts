import { Injectable } from '@nestjs/common';
import { Cursors, ShardedDatabase } from '@tenfold/database';
import type { Page } from '@tenfold/database';
import { z } from 'zod';
import { OrderEntity } from './order.entity.ts';
import { createdAtOf } from './order.id.ts';

// The id holds the time that lists are sorted by, so it is the whole position.
const orderCursor = z.uuidv7();

export type OrderHead = Pick<OrderEntity, 'id' | 'status' | 'totalCents' | 'createdAt'>;

@Injectable()
export class OrderRepository {
  constructor(
    private readonly sharded: ShardedDatabase,
    private readonly cursors: Cursors,
  ) {}

  /**
   * A page of an account's orders, latest first. It looks into every partition: 1.4 ms with 28 of them, most of that
   * planning.
   *
   * @param after the `next` of the page before
   * @throws DatabaseError `bad-cursor`
   */
  async list(accountId: string, limit: number, after?: string): Promise<Page<OrderHead>> {
    const name = `orders of ${accountId}, latest first`;
    const last = after === undefined ? undefined : this.cursors.decode(name, after, orderCursor);
    const rows = await this.sharded.read(accountId, (manager) => {
      const query = manager
        .createQueryBuilder(OrderEntity, 'placed')
        .select(['placed.id', 'placed.status', 'placed.totalCents', 'placed.createdAt'])
        .where('placed.accountId = :accountId', { accountId })
        .orderBy('placed.createdAt', 'DESC')
        .addOrderBy('placed.id', 'DESC')
        .limit(limit + 1);
      if (last !== undefined) {
        query.andWhere('(placed.createdAt, placed.id) < (:createdAt, :last)', { createdAt: createdAtOf(last), last });
      }
      return query.getMany();
    });
    return this.cursors.page(name, rows, limit, (row) => row.id);
  }

  /** One order of the account, read from the one partition that its id names. */
  async find(accountId: string, id: string): Promise<OrderEntity | null> {
    const createdAt = createdAtOf(id);
    if (!createdAt) return null;
    return this.sharded.read(accountId, (manager) => manager.findOneBy(OrderEntity, { id, createdAt, accountId }));
  }
}
