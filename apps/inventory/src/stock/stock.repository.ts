import { Injectable } from '@nestjs/common';
import type { Stock } from '@tenfold/contracts';
import { Database, int, statement } from '@tenfold/database';
import { QueryFailedError } from 'typeorm';
import type { EntityManager } from 'typeorm';

/**
 * The stock of a product is the sum of its events (`stock_events`, which only ever grows). A snapshot keeps that sum as
 * of one version, so that nobody adds up a history to answer; it is also what writers of the product lock.
 */
@Injectable()
export class StockRepository {
  constructor(private readonly database: Database) {}

  /** The stock of each product that has events; others are left out. */
  async find(productIds: readonly number[]): Promise<Stock[]> {
    return this.database.rows(stockOf, [productIds]);
  }

  /** Adds a delivery to a product's stock, once per delivery and product; the same one again changes nothing. */
  async restock(productId: number, quantity: number, deliveryId: string): Promise<Stock> {
    try {
      return await this.database.write((tx) => addDelivery(tx, productId, quantity, deliveryId));
    } catch (error) {
      if (!isKnownDelivery(error)) throw error;
      return this.database.write(async (tx) => {
        const [stock] = await tx.query<Stock[]>(stockSql, [[productId]]);
        if (!stock) throw new Error(`product ${productId} has deliveries but no snapshot`, { cause: error });
        return stock;
      });
    }
  }

  /**
   * Makes a product's snapshot anew from its events: after a repair of the ledger, or a change of what a snapshot tells.
   * Its writers wait meanwhile; readers do not.
   */
  async rebuild(productId: number): Promise<void> {
    await this.database.write(async (tx) => {
      // A statement of its own: the next one must see the events of the writer that held the lock.
      await tx.query('select from stock_snapshots where product_id = $1 for update', [productId]);
      await tx.query(
        `insert into stock_snapshots (product_id, version, available, reserved)
         select product_id, max(version),
           sum(case type when 'reserved' then -quantity else quantity end),
           sum(case type when 'reserved' then quantity when 'released' then -quantity else 0 end)
         from stock_events where product_id = $1 group by product_id
         on conflict (product_id) do update
         set version = excluded.version, available = excluded.available, reserved = excluded.reserved`,
        [productId],
      );
    });
  }
}

const stockSql = `
  select product_id as "productId", available, reserved, version
  from stock_snapshots where product_id = any($1::int[])`;

/** There are no entities here: the columns are checked against the server's answer. */
const stockOf = statement('stock of products', stockSql, { productId: int, available: int, reserved: int, version: int });

async function addDelivery(tx: EntityManager, productId: number, quantity: number, deliveryId: string): Promise<Stock> {
  const [stock] = await tx.query<Stock[]>(
    `with moved as (
       insert into stock_snapshots as snapshot (product_id, version, available, reserved) values ($1, 1, $2, 0)
       on conflict (product_id) do update
       set version = snapshot.version + 1, available = snapshot.available + excluded.available
       returning product_id, available, reserved, version
     ), recorded as (
       insert into stock_events (product_id, version, type, quantity, reference)
       select product_id, version, 'restocked', $2, $3 from moved
     )
     select product_id as "productId", available, reserved, version from moved`,
    [productId, quantity, deliveryId],
  );
  if (!stock) throw new Error('an upsert returned no row');
  return stock;
}

function isKnownDelivery(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const { constraint } = error.driverError as { constraint?: string };
  return constraint === 'stock_events_by_delivery';
}
