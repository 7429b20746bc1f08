import { Injectable } from '@nestjs/common';
import type { ItemQuantity } from '@tenfold/contracts';
import { Database } from '@tenfold/database';

/** How an attempt to reserve ended; `short` lists the products of which there was too little. */
export type ReserveResult =
  | { outcome: 'reserved' | 'reserved-differently' | 'released' }
  | { outcome: 'out-of-stock'; short: number[] };

interface ReserveRow {
  claimed: boolean;
  short: number[];
}

interface ReservationRow {
  sameItems: boolean;
  state: 'reserved' | 'released';
}

/** Ends a transaction that must leave nothing behind. */
class OutOfStock extends Error {
  constructor(readonly short: number[]) {
    super('out of stock');
  }
}

@Injectable()
export class ReservationRepository {
  constructor(private readonly database: Database) {}

  /**
   * Reserves all items for an order, or none.
   *
   * @param items each product once, in ascending order: what is compared when the order comes again
   */
  async reserve(orderId: string, items: readonly ItemQuantity[]): Promise<ReserveResult> {
    const parameters = [orderId, JSON.stringify(items)];
    try {
      return await this.database.write(async (tx) => {
        const [row] = await tx.query<ReserveRow[]>(reserveSql, parameters);
        if (row?.claimed) {
          if (row.short.length > 0) throw new OutOfStock(row.short);
          return { outcome: 'reserved' };
        }
        const [known] = await tx.query<ReservationRow[]>(knownSql, parameters);
        if (!known?.sameItems) return { outcome: 'reserved-differently' };
        return { outcome: known.state };
      });
    } catch (error) {
      if (error instanceof OutOfStock) return { outcome: 'out-of-stock', short: error.short };
      throw error;
    }
  }

  /** Gives back what the order holds, once. An order that never reserved is closed, so that a late reserve is refused. */
  async release(orderId: string): Promise<void> {
    await this.database.write((tx) => tx.query(releaseSql, [orderId]));
  }
}

// One round trip, one order of locks: first the order, then its products by id. So two deliveries of one order queue
// before they touch stock, and two orders with the same products never wait for each other in a circle. The update
// builds on what the lock returned: that is the newest row, while the statement itself sees the one from before it waited,
// on which its new values would fail the checks of the table.
const reserveSql = `
  with claimed as (
    insert into reservations (order_id, items, state) values ($1, $2, 'reserved')
    on conflict (order_id) do nothing
    returning items
  ), wanted as (
    select item."productId" as product_id, item.quantity
    from claimed, jsonb_to_recordset(claimed.items) as item ("productId" int, quantity int)
  ), locked as materialized (
    select snapshot.*, wanted.quantity
    from stock_snapshots snapshot join wanted using (product_id)
    order by snapshot.product_id
    for update of snapshot
  ), short as (
    select wanted.product_id
    from wanted left join locked using (product_id)
    where locked.available is null or locked.available < wanted.quantity
  ), moved as (
    update stock_snapshots snapshot
    set version = locked.version + 1,
      available = locked.available - locked.quantity,
      reserved = locked.reserved + locked.quantity
    from locked
    where snapshot.product_id = locked.product_id and not exists (select from short)
    returning snapshot.product_id, snapshot.version, locked.quantity
  ), recorded as (
    insert into stock_events (product_id, version, type, quantity, reference)
    select product_id, version, 'reserved', quantity, $1 from moved
  )
  select exists (select from claimed) as claimed, array(select product_id from short order by product_id) as short`;

const knownSql = `select items = $2::jsonb as "sameItems", state from reservations where order_id = $1`;

// An insert even when there is nothing to release: it waits for a reserve of the same order that is still under way.
const releaseSql = `
  with closed as (
    insert into reservations as reservation (order_id, items, state) values ($1, '[]', 'released')
    on conflict (order_id) do update set state = 'released', at = now() where reservation.state = 'reserved'
    returning items
  ), held as (
    select item."productId" as product_id, item.quantity
    from closed, jsonb_to_recordset(closed.items) as item ("productId" int, quantity int)
  ), locked as materialized (
    select snapshot.*, held.quantity
    from stock_snapshots snapshot join held using (product_id)
    order by snapshot.product_id
    for update of snapshot
  ), moved as (
    update stock_snapshots snapshot
    set version = locked.version + 1,
      available = locked.available + locked.quantity,
      reserved = locked.reserved - locked.quantity
    from locked
    where snapshot.product_id = locked.product_id
    returning snapshot.product_id, snapshot.version, locked.quantity
  )
  insert into stock_events (product_id, version, type, quantity, reference)
  select product_id, version, 'released', quantity, $1 from moved`;
