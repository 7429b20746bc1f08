import { Injectable, Logger } from '@nestjs/common';
import type { Order } from '@tenfold/contracts';
import { CallError } from '@tenfold/rpc';
import { ShardedDatabase } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import type { Disk } from 'flydrive';
import { createdAtOf } from '../order/order.id.ts';
import { archiveMonth, monthOf, ordersIn } from './month.archive.ts';
import type { ArchivedMonth } from './month.archive.ts';

export interface OrderArchiveOptions {
  /** Where archived months lie; undefined when nothing is archived. */
  store: Disk | undefined;
  /** Months that stay in the database, besides the current one. */
  keepMonths: number;
}

/** Files that are unpacked at once for those who look into the past: it takes a core. */
const mostReading = 4;

const filesSql = 'select file from archived_orders where account_id = $1 and month = $2';

/** Keeps the orders table from growing for ever: months that are old enough move to the object store. */
@Injectable()
export class OrderArchive {
  readonly #logger = new Logger(OrderArchive.name);
  #reading = 0;

  constructor(
    private readonly sharded: ShardedDatabase,
    private readonly options: OrderArchiveOptions,
  ) {}

  /** Archives, on each shard, every month older than those to keep, and gives each when it is there. A month that fails stays for the next time. */
  async *archiveOld(now: Date): AsyncGenerator<ArchivedMonth> {
    if (!this.options.store) return;
    for (const shard of this.sharded.all) {
      for (const month of await this.#oldMonths(shard, now)) {
        const archived = await this.#tryToArchive(shard, month);
        if (archived) yield archived;
      }
    }
  }

  /** An order whose month is in the archive. @throws CallError `overloaded` */
  async find(accountId: string, id: string): Promise<Order | undefined> {
    const createdAt = createdAtOf(id);
    if (!createdAt) return undefined;
    for await (const order of this.#ordersOf(accountId, monthOf(createdAt))) if (order.id === id) return order;
    return undefined;
  }

  /** The account's orders of a month out of the archive, the latest first. @throws CallError `overloaded` */
  async list(accountId: string, month: string): Promise<Order[]> {
    const orders: Order[] = [];
    for await (const order of this.#ordersOf(accountId, month)) orders.push(order);
    return orders.sort((one, other) => (one.id < other.id ? 1 : -1));
  }

  async *#ordersOf(accountId: string, month: string): AsyncGenerator<Order> {
    const { store } = this.options;
    if (!store) return;
    const files = await this.sharded.read(accountId, (reader) => reader.query<{ file: string }[]>(filesSql, [accountId, month]), { prefer: 'primary' });
    if (files.length === 0) return;
    if (this.#reading === mostReading) throw new CallError('overloaded', 'enough files of the archive are being read', { retryAfterMs: 1000 });
    this.#reading += 1;
    try {
      for (const { file } of files) yield* ordersIn(store, file, accountId);
    } finally {
      this.#reading -= 1;
    }
  }

  async #oldMonths(shard: Database, now: Date): Promise<string[]> {
    const oldest = monthOf(now, this.options.keepMonths);
    const rows = await shard.read((reader) =>
      reader.query<{ month: string }[]>(
        `select substr(relname, 9, 4) || '-' || substr(relname, 14, 2) as month from pg_inherits join pg_class on pg_class.oid = inhrelid
         where inhparent = 'orders'::regclass and relname ~ '^orders_y\\d{4}m\\d{2}$' order by 1`,
      ),
      { prefer: 'primary' },
    );
    return rows.map(({ month }) => month).filter((month) => month < oldest);
  }

  async #tryToArchive(shard: Database, month: string): Promise<ArchivedMonth | undefined> {
    try {
      return await this.#archive(shard, month);
    } catch (error) {
      this.#logger.error({ msg: 'a month of orders could not be archived', shard: shard.name, month, err: error });
      return undefined;
    }
  }

  #archive(shard: Database, month: string): Promise<ArchivedMonth | undefined> {
    const { store } = this.options;
    if (!store) return Promise.resolve(undefined);
    return shard.write(async (tx) => {
      // One replica of the service at a time.
      await tx.query(`select pg_advisory_xact_lock(hashtext('orders archive'))`);
      return archiveMonth((sql, parameters) => tx.query(sql, parameters), store, shard.name, month);
    });
  }
}
