import { Injectable } from '@nestjs/common';
import { Cursors, ShardedDatabase } from '@tenfold/database';
import type { Page } from '@tenfold/database';
import { z } from 'zod';
import { OrderEntity } from './order.entity.ts';
import { createdAtOf } from './order.id.ts';

// The id holds the time that lists are sorted by, so it is the whole position.
const orderCursor = z.uuidv7();

/** A place among all orders. */
export interface OrderPlace {
  shard: number;
  orderId: string;
}

const pageSize = 500;

const firstOrderId = '00000000-0000-7000-8000-000000000000';

export type OrderHead = Pick<OrderEntity, 'id' | 'status' | 'totalCents' | 'createdAt'>;
export type OrderHeadOfAccount = OrderHead & Pick<OrderEntity, 'accountId'>;

/** Of which month how many orders are in the archive. */
interface ArchivedOrders {
  month: string;
  orders: number;
}

/** A row of a history; without any order there is one of nulls, which still tells of the archive. */
type HistoryRow = { archived: ArchivedOrders[]; total: string | null } & (OrderHead | { id: null });

const latestFirst = (one: OrderHead, other: OrderHead) => (one.id === other.id ? 0 : one.id < other.id ? 1 : -1);

@Injectable()
export class OrderRepository {
  constructor(
    private readonly sharded: ShardedDatabase,
    private readonly cursors: Cursors,
  ) {}

  /**
   * A page of an account's orders, the latest first, and what of it is in the archive. It looks into every partition: 1.4 ms
   * with 28 of them, most of that planning.
   *
   * @param after the `next` of the page before
   * @throws DatabaseError `bad-cursor`
   */
  async list(accountId: string, limit: number, after?: string): Promise<Page<OrderHead> & { archived: ArchivedOrders[] }> {
    const name = `orders of ${accountId}, latest first`;
    const last = after === undefined ? undefined : this.cursors.decode(name, after, orderCursor);
    const parameters = [accountId, limit + 1, ...(last === undefined ? [] : [createdAtOf(last), last])];
    const rows = await this.sharded.read(accountId, (reader) => reader.query<HistoryRow[]>(last === undefined ? firstPageSql : laterPageSql, parameters));
    const orders = rows.flatMap((row) => (row.id === null ? [] : { ...row, totalCents: Number(row.total) }));
    return { ...this.cursors.page(name, orders, limit, (row) => row.id), archived: rows[0]?.archived ?? [] };
  }

  /**
   * A page of the orders of all accounts, the latest first, from all shards. By id, which holds the time: the primary key of
   * each partition is its index.
   *
   * @throws DatabaseError `bad-cursor`
   */
  async listAll(limit: number, after?: string): Promise<Page<OrderHeadOfAccount>> {
    const name = 'orders of all accounts, latest first';
    const last = after === undefined ? undefined : this.cursors.decode(name, after, orderCursor);
    const rows = await this.sharded.readAll((reader) => {
      const query = reader
        .createQueryBuilder(OrderEntity, 'placed')
        .select(['placed.id', 'placed.status', 'placed.totalCents', 'placed.createdAt', 'placed.accountId'])
        .orderBy('placed.id', 'DESC')
        .limit(limit + 1);
      // The time leaves out the months after it.
      if (last !== undefined) query.where('placed.id < :last and placed.createdAt <= :createdAt', { last, createdAt: createdAtOf(last) });
      return query.getMany();
    }, latestFirst);
    return this.cursors.page(name, rows, limit, (row) => row.id);
  }

  /**
   * All confirmed orders of all shards, a page at a time, from replicas.
   *
   * @param after where to go on
   */
  async *confirmed(after?: OrderPlace): AsyncGenerator<{ items: OrderEntity[]; after: OrderPlace }> {
    for (const [shard, database] of this.sharded.all.entries()) {
      if (shard < (after?.shard ?? 0)) continue;
      // The position of an empty write: a replica that has reached it has all that was confirmed until now.
      await database.write((tx) => tx.query('select 1'));
      let orderId = after?.shard === shard ? after.orderId : firstOrderId;
      for (;;) {
        const items = await database.read((manager) =>
          manager
            .createQueryBuilder(OrderEntity, 'placed')
            .where(`placed.status = 'confirmed' and placed.id > :orderId and placed.createdAt >= :from`, { orderId, from: createdAtOf(orderId) })
            .orderBy('placed.id')
            .limit(pageSize)
            .getMany(),
        );
        orderId = items.at(-1)?.id ?? orderId;
        if (items.length > 0) yield { items, after: { shard, orderId } };
        if (items.length < pageSize) break;
      }
    }
  }

  async countConfirmed(): Promise<number> {
    const counts = await Promise.all(
      this.sharded.all.map((database) => database.read((manager) => manager.countBy(OrderEntity, { status: 'confirmed' }))),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** One order of the account, read from the one partition that its id names. */
  async find(accountId: string, id: string): Promise<OrderEntity | null> {
    const createdAt = createdAtOf(id);
    if (!createdAt) return null;
    return this.sharded.read(accountId, (manager) => manager.findOneBy(OrderEntity, { id, createdAt, accountId }));
  }
}

// In one statement, so that the history of somebody without a past costs nothing more.
const historySql = (where: string) => `
  select page.*, archived.months as archived
  from (
    select coalesce(json_agg(json_build_object('month', month, 'orders', orders) order by month desc), '[]') as months
    from (select month, sum(orders)::int as orders from archived_orders where account_id = $1 group by month) as of_month
  ) as archived
  left join (
    select id, status, total_cents::text as total, created_at as "createdAt" from orders
    where account_id = $1 ${where}
    order by created_at desc, id desc limit $2
  ) as page on true
  order by page."createdAt" desc, page.id desc`;

const firstPageSql = historySql('');
const laterPageSql = historySql('and (created_at, id) < ($3, $4)');
