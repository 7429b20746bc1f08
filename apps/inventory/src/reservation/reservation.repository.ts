import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import { decide } from './reservation.decision.ts';
import type { OrderItems, StockLevel } from './reservation.decision.ts';

/** How an attempt to reserve ended; `short` lists the products of which there was too little. */
export type ReserveResult =
  | { outcome: 'reserved' | 'reserved-differently' | 'released' }
  | { outcome: 'out-of-stock'; short: number[] };

/** What reservations did, and what they have made of the stock of products. */
export interface Reservations {
  results: ReserveResult[];
  levels: StockLevel[];
}

interface ReserveRow {
  claimed: boolean;
  short: number[];
  levels: StockLevel[] | null;
}

interface ReservationRow {
  sameItems: boolean;
  state: 'reserved' | 'released';
}

interface KnownRow extends ReservationRow {
  orderId: string;
}

/** Of an order that was known before. */
function resultOf(known: ReservationRow | undefined): ReserveResult {
  return known?.sameItems ? { outcome: known.state } : { outcome: 'reserved-differently' };
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
   * Reserves for each order all of its items, or none, in one transaction.
   *
   * @param orders each once, with each product once in ascending order: what is compared when the order comes again
   * @returns a result for each, in their order
   */
  async reserve(orders: readonly OrderItems[]): Promise<Reservations> {
    const [only] = orders;
    if (only && orders.length === 1) return this.#reserveOne(only);
    return this.database.write(async (tx) => {
      const given = JSON.stringify(orders.map(({ orderId, items }) => ({ order_id: orderId, items })));
      const rows = await tx.query<{ order_id: string }[]>(claimSql, [given]);
      const claimed = new Set(rows.map(({ order_id }) => order_id));
      const own = orders.filter(({ orderId }) => claimed.has(orderId));
      const products = new Set(own.flatMap(({ items }) => items.map(({ productId }) => productId)));
      // A statement of its own: it must see what those have changed for whose locks it waits.
      const levels = await tx.query<StockLevel[]>(lockSql, [[...products]]);
      const { events, levels: changed, refused } = decide(levels, own);
      await tx.query(applySql, [JSON.stringify(changed), JSON.stringify(events), [...refused.keys()]]);
      const known = claimed.size < orders.length ? await tx.query<KnownRow[]>(knownOfManySql, [given]) : [];
      const states = new Map(known.map((row) => [row.orderId, row]));
      const results = orders.map(({ orderId }): ReserveResult => {
        const short = refused.get(orderId);
        if (short) return { outcome: 'out-of-stock', short };
        if (claimed.has(orderId)) return { outcome: 'reserved' };
        return resultOf(states.get(orderId));
      });
      return { results, levels: changed };
    });
  }

  async #reserveOne({ orderId, items }: OrderItems): Promise<Reservations> {
    const parameters = [orderId, JSON.stringify(items)];
    try {
      return await this.database.write(async (tx) => {
        const [row] = await tx.query<ReserveRow[]>(reserveSql, parameters);
        if (row?.claimed) {
          if (row.short.length > 0) throw new OutOfStock(row.short);
          return { results: [{ outcome: 'reserved' }], levels: row.levels ?? [] };
        }
        const [known] = await tx.query<ReservationRow[]>(knownSql, parameters);
        return { results: [resultOf(known)], levels: [] };
      });
    } catch (error) {
      if (error instanceof OutOfStock) return { results: [{ outcome: 'out-of-stock', short: error.short }], levels: [] };
      throw error;
    }
  }

  /** Gives back what the order holds, once. An order that never reserved is closed, so that a late reserve is refused. */
  async release(orderId: string): Promise<StockLevel[]> {
    return this.database.write((tx) => tx.query<StockLevel[]>(releaseSql, [orderId]));
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
    returning snapshot.product_id, snapshot.version, snapshot.available, snapshot.reserved, locked.quantity
  ), recorded as (
    insert into stock_events (product_id, version, type, quantity, reference)
    select product_id, version, 'reserved', quantity, $1 from moved
  )
  select exists (select from claimed) as claimed, array(select product_id from short order by product_id) as short,
    (select json_agg(json_build_object('productId', product_id, 'version', version, 'available', available, 'reserved', reserved)) from moved) as levels`;

// The locks in the same order as above: all orders first, then their products by id.
const claimSql = `
  insert into reservations (order_id, items, state)
  select order_id, items, 'reserved' from jsonb_to_recordset($1) as given (order_id uuid, items jsonb) order by order_id
  on conflict (order_id) do nothing
  returning order_id`;

const lockSql = `
  select product_id as "productId", version, available, reserved from stock_snapshots
  where product_id = any($1::int[]) order by product_id for update`;

const applySql = `
  with moved as (
    update stock_snapshots snapshot
    set version = level.version, available = level.available, reserved = level.reserved
    from jsonb_to_recordset($1) as level ("productId" int, version int, available int, reserved int)
    where snapshot.product_id = level."productId"
  ), recorded as (
    insert into stock_events (product_id, version, type, quantity, reference)
    select "productId", version, 'reserved', quantity, "orderId"
    from jsonb_to_recordset($2) as event ("productId" int, version int, quantity int, "orderId" uuid)
  )
  delete from reservations where order_id = any($3::uuid[])`;

const knownOfManySql = `
  select order_id as "orderId", reservations.items = given.items as "sameItems", state
  from jsonb_to_recordset($1) as given (order_id uuid, items jsonb) join reservations using (order_id)`;

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
    returning snapshot.product_id, snapshot.version, snapshot.available, snapshot.reserved, locked.quantity
  ), recorded as (
    insert into stock_events (product_id, version, type, quantity, reference)
    select product_id, version, 'released', quantity, $1 from moved
  )
  select product_id as "productId", version, available, reserved from moved`;
