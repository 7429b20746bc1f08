import { Injectable } from '@nestjs/common';
import { compensateOrder, orderPlaced, sendCancellation, sendReceipt } from '@tenfold/contracts';
import type { Order, UnpaidReason } from '@tenfold/contracts';
import { ShardedDatabase } from '@tenfold/database';
import { addMessage, addMessages } from '@tenfold/jobs';
import { createdAtOf } from '../order/order.id.ts';

export interface PlacedOrder {
  accountId: string;
  orderId: string;
}

interface UnpaidOrder extends PlacedOrder {
  /** Absent before anybody gave it up. */
  reason: UnpaidReason | null;
}

interface PaidRow extends PlacedOrder {
  totalCents: string;
  lines: Order['lines'];
  createdAt: Date;
}

/** An order on its way from `awaiting-payment` to `confirmed`, or over `cancelling` to `cancelled`; never back, and never across. */
@Injectable()
export class PaymentRepository {
  constructor(private readonly sharded: ShardedDatabase) {}

  /** Orders are paid: with the receipts and the events that tell of them, in one transaction for each shard. Those that are settled stay so. */
  async confirm(orders: readonly PlacedOrder[]): Promise<void> {
    const dated = orders.flatMap((order) => {
      const time = createdAtOf(order.orderId)?.getTime();
      return time === undefined ? [] : [{ ...order, time }];
    });
    await this.sharded.writeAll(dated, ({ accountId }) => accountId, async (tx, ofShard) => {
      const times = ofShard.map(({ time }) => time);
      const bounds = [Math.min(...times), Math.max(...times)].map((time) => new Date(time));
      const paid = await tx.query<PaidRow[]>(confirmSql, [ofShard.map(({ orderId }) => orderId), ...bounds]);
      if (paid.length === 0) return;
      const payloads = paid.map(({ totalCents, createdAt, ...order }) => ({ ...order, totalCents: Number(totalCents), createdAt: createdAt.toISOString() }));
      await Promise.all([addMessages(tx, sendReceipt, payloads), addMessages(tx, orderPlaced, payloads)]);
    });
  }

  /** The order is not paid: with the job that takes back what was done for it. @returns false when it is settled already */
  refuse(order: PlacedOrder, reason: UnpaidReason): Promise<boolean> {
    return this.#giveUp(order, reason, ['awaiting-payment']);
  }

  /**
   * Gives an unpaid order up, or has one that is `cancelling` for long compensated again.
   *
   * @returns false when it is over
   */
  giveUp({ reason, ...order }: UnpaidOrder): Promise<boolean> {
    return this.#giveUp(order, reason ?? 'payment-timed-out', ['awaiting-payment', 'cancelling']);
  }

  /** @param from states in which the order may be */
  #giveUp({ accountId, orderId }: PlacedOrder, reason: UnpaidReason, from: readonly Order['status'][]): Promise<boolean> {
    return this.sharded.write(accountId, async (tx) => {
      const given = await tx.query<unknown[]>(giveUpSql, [orderId, createdAtOf(orderId), reason, from]);
      if (given.length === 0) return false;
      await addMessage(tx, compensateOrder, { orderId, accountId, reason });
      return true;
    });
  }

  /** The order's stock is back: it is over, and its customer is told. @returns false when it is no longer `cancelling` */
  cancel({ accountId, orderId }: PlacedOrder, reason: UnpaidReason): Promise<boolean> {
    return this.sharded.write(accountId, async (tx) => {
      const cancelled = await tx.query<unknown[]>(cancelSql, [orderId, createdAtOf(orderId)]);
      if (cancelled.length === 0) return false;
      await addMessage(tx, sendCancellation, { orderId, accountId, reason });
      return true;
    });
  }

  /** On the primary: what was written a moment ago decides. */
  async statusOf({ accountId, orderId }: PlacedOrder): Promise<Order['status'] | undefined> {
    const rows = await this.sharded.read(
      accountId,
      (reader) =>
        reader.query<{ status: Order['status'] }[]>('select status from orders where id = $1 and created_at = $2 and account_id = $3', [
          orderId,
          createdAtOf(orderId),
          accountId,
        ]),
      { prefer: 'primary' },
    );
    return rows[0]?.status;
  }

  /** Orders that have been neither paid nor cancelled for so long, some of each shard. */
  async findUnpaid(olderThanMs: number): Promise<UnpaidOrder[]> {
    const ofShards = await Promise.all(
      this.sharded.all.map((shard) => shard.read((reader) => reader.query<UnpaidOrder[]>(unpaidSql, [olderThanMs]), { prefer: 'primary' })),
    );
    return ofShards.flat();
  }
}

// The bounds leave the other months out of the plan, which the ids alone would not. Locked in the order of ids, so that two
// calls with the same orders never wait for each other crosswise.
const confirmSql = `
  with due as (
    select id, created_at from orders
    where id = any($1) and created_at between $2 and $3 and status = 'awaiting-payment' order by id for update
  ), paid as (
    update orders set status = 'confirmed' from due
    where orders.id = due.id and orders.created_at = due.created_at and orders.created_at between $2 and $3
    returning orders.id, orders.account_id, orders.total_cents, orders.lines, orders.created_at
  ), over as (
    delete from unpaid_orders using paid where order_id = paid.id
  )
  select id as "orderId", account_id as "accountId", total_cents as "totalCents", lines, created_at as "createdAt" from paid order by id`;

const giveUpSql = `
  with given_up as (
    update orders set status = 'cancelling' where id = $1 and created_at = $2 and status = any($4)
    returning id
  ), noted as (
    update unpaid_orders set reason = $3, since = now() from given_up where order_id = given_up.id
  )
  select id from given_up`;

const cancelSql = `
  with cancelled as (
    update orders set status = 'cancelled' where id = $1 and created_at = $2 and status = 'cancelling'
    returning id
  ), over as (
    delete from unpaid_orders using cancelled where order_id = cancelled.id
  )
  select id from cancelled`;

const unpaidSql = `
  select order_id as "orderId", account_id as "accountId", reason from unpaid_orders
  where since < now() - make_interval(secs => $1::float8 / 1000) order by since limit 100`;
