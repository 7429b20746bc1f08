import { Injectable } from '@nestjs/common';
import { beforeCommit, Database, literal } from '@tenfold/database';
import type { Rows } from '@tenfold/database';
import type { EntityManager } from 'typeorm';
import { decide } from './reservation.decision.ts';
import type { OrderItems, Reserved, StockLevel } from './reservation.decision.ts';

/** How an attempt to reserve ended; `short` lists the products of which there was too little. */
export type ReserveResult =
  | { outcome: 'reserved' | 'reserved-differently' | 'released' }
  | { outcome: 'out-of-stock'; short: number[] };

/** What reservations did, and what they have made of the stock of products. */
export interface Reservations {
  results: ReserveResult[];
  levels: StockLevel[];
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

/** Ends a transaction that would leave nothing behind but what it claimed: there is no commit to wait for. */
class NothingReserved extends Error {
  constructor(readonly reservations: Reservations) {
    super('nothing is reserved');
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
    try {
      return await this.database.write((tx, [, claims, levels]) => reserveWith(tx, orders, claims, levels), { start: claimAndLock(orders) });
    } catch (error) {
      if (error instanceof NothingReserved) return error.reservations;
      throw error;
    }
  }

  /** Gives back what the order holds, once. An order that never reserved is closed, so that a late reserve is refused. */
  async release(orderId: string): Promise<StockLevel[]> {
    return this.database.write((tx) => tx.query<StockLevel[]>(releaseSql, [orderId]));
  }
}

/** Two round trips, however many orders: what claims and locks comes with the start, what the decision adds goes with the commit. */
async function reserveWith(tx: EntityManager, orders: readonly OrderItems[], claims: Rows = [], levels: Rows = []): Promise<Reservations> {
  const claimed = new Set(claims.map(({ order_id }) => order_id));
  const { events, levels: changed, refused } = decide(levels as unknown as readonly StockLevel[], orders.filter(({ orderId }) => claimed.has(orderId)));
  const known = claimed.size < orders.length ? await tx.query<KnownRow[]>(knownSql, [JSON.stringify(orders)]) : [];
  const states = new Map(known.map((row) => [row.orderId, row]));
  const results = orders.map(({ orderId }): ReserveResult => {
    const short = refused.get(orderId);
    if (short) return { outcome: 'out-of-stock', short };
    if (claimed.has(orderId)) return { outcome: 'reserved' };
    return resultOf(states.get(orderId));
  });
  if (events.length === 0) throw new NothingReserved({ results, levels: [] });
  beforeCommit(tx, record(events, changed, [...refused.keys()]));
  return { results, levels: changed };
}

/**
 * One order of locks: first the orders by id, then their products by id. So two deliveries of one order queue before they
 * touch stock, and two orders with the same products never wait for each other in a circle. The lock is a statement of its
 * own: it must see what those have changed for whose locks it waits.
 */
function claimAndLock(orders: readonly OrderItems[]): string {
  const byId = orders.toSorted((one, other) => (one.orderId < other.orderId ? -1 : 1));
  const rows = byId.map(({ orderId, items }) => `(${literal(orderId)}, ${literal(JSON.stringify(items))}, 'reserved')`);
  const products = new Set(orders.flatMap(({ items }) => items.map(({ productId }) => productId)));
  return `START TRANSACTION;
    insert into reservations (order_id, items, state) values ${rows.join()} on conflict (order_id) do nothing returning order_id;
    select product_id as "productId", version, available, reserved from stock_snapshots
    where product_id in (${[...products].join()}) order by product_id for update`;
}

function record(events: readonly Reserved[], levels: readonly StockLevel[], refused: readonly string[]): string {
  const moved = levels.map(({ productId, version, available, reserved }) => `(${[productId, version, available, reserved].join()})`);
  const added = events.map(({ productId, version, quantity, orderId }) => `(${productId}, ${version}, 'reserved', ${quantity}, ${literal(orderId)})`);
  const statements = [
    `update stock_snapshots snapshot set version = level.version, available = level.available, reserved = level.reserved
     from (values ${moved.join()}) as level (product_id, version, available, reserved) where snapshot.product_id = level.product_id`,
    `insert into stock_events (product_id, version, type, quantity, reference) values ${added.join()}`,
  ];
  if (refused.length > 0) statements.push(`delete from reservations where order_id in (${refused.map(literal).join()})`);
  return statements.join('; ');
}

const knownSql = `
  select order_id as "orderId", reservations.items = given.items as "sameItems", state
  from jsonb_to_recordset($1) as given ("orderId" uuid, items jsonb) join reservations on order_id = given."orderId"`;

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
