import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Order } from '@tenfold/contracts';
import { ShardedDatabase } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import type { Disk } from 'flydrive';
import { createdAtOf } from '../order/order.id.ts';
import { archiveMonth, findArchived, monthOf } from './month.archive.ts';
import type { ArchivedMonth } from './month.archive.ts';

export interface OrderArchiveOptions {
  /** Where archived months lie; undefined when nothing is archived. */
  store: Disk | undefined;
  /** Months that stay in the database, besides the current one. */
  keepMonths: number;
}

const day = 24 * 60 * 60 * 1000;

/** Keeps the orders table from growing for ever: daily, months that are old enough move to the object store. */
@Injectable()
export class OrderArchive implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(OrderArchive.name);
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sharded: ShardedDatabase,
    private readonly options: OrderArchiveOptions,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.options.store) return;
    // Not at the start, when everything else wants the database; replicas need not ask together.
    this.#timer = setInterval(() => void this.archiveOld(new Date()), day + Math.random() * 60_000).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Archives, on each shard, every month older than those to keep. A month that fails stays, and is tried again the next day. */
  async archiveOld(now: Date): Promise<ArchivedMonth[]> {
    const archived: ArchivedMonth[] = [];
    for (const shard of this.sharded.all) {
      for (const month of await this.#oldMonths(shard, now)) {
        try {
          const done = await this.#archive(shard, month);
          if (done) archived.push(done);
        } catch (error) {
          this.#logger.error({ msg: 'a month of orders could not be archived', shard: shard.name, month, err: error });
        }
      }
    }
    if (archived.length > 0) this.#logger.log({ msg: 'orders archived', archived });
    return archived;
  }

  /** An order whose month is in the archive. */
  async find(accountId: string, id: string): Promise<Order | undefined> {
    const createdAt = createdAtOf(id);
    const { store } = this.options;
    if (!createdAt || !store) return undefined;
    const [month] = await this.sharded.read(accountId, (reader) => reader.query<{ file: string }[]>('select file from archived_months where month = $1', [monthOf(createdAt)]), { prefer: 'primary' });
    return month && findArchived(store, month.file, accountId, id);
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
