import { Injectable } from '@nestjs/common';
import { takePayment } from '@tenfold/contracts';
import type { ItemQuantity, Order } from '@tenfold/contracts';
import { ShardedDatabase } from '@tenfold/database';
import { addMessage } from '@tenfold/jobs';
import type { EntityManager } from 'typeorm';
import { newOrderId } from '../order/order.id.ts';

/** What names the request of a client for one order. */
export interface KeyName {
  accountId: string;
  idempotencyKey: string;
}

/** The key under which a client asks for one order. */
export interface OrderKey extends KeyName {
  /** Of the request as the client sent it. */
  bodyHash: string;
}

/**
 * Where the request of a key stands:
 * - `claimed`: an order id is set aside for it, and what to order; any attempt may carry it on.
 * - `placed`: it was answered with this order.
 * - `releasing`: it is given up, and what it had reserved is on its way back.
 * - `refused`: the last attempt was refused and left nothing behind; the next one begins anew.
 */
export type Claim =
  | { state: 'claimed' | 'releasing' | 'refused'; bodyHash: string; orderId: string; answer: ItemQuantity[] }
  | { state: 'placed'; bodyHash: string; orderId: string; answer: Order };

export type OpenState = 'claimed' | 'releasing';

/** Ends a transaction that must leave nothing behind. */
class NotPlaced extends Error {}

@Injectable()
export class CheckoutRepository {
  constructor(private readonly sharded: ShardedDatabase) {}

  /** Claims the key with a fresh order id, unless it is claimed or placed already or was used with another body. */
  claim(key: OrderKey, items: readonly ItemQuantity[]): Promise<Claim | undefined> {
    const { accountId, idempotencyKey, bodyHash } = key;
    return this.sharded.write(accountId, async (tx) => {
      const parameters = [accountId, idempotencyKey, bodyHash, newOrderId(), JSON.stringify(items)];
      const [claimed] = await tx.query<Claim[]>(claimSql, parameters);
      // A statement of its own: it sees a claim that committed while the insert waited for it.
      return claimed ?? (await read(tx, key));
    });
  }

  /** Where the request stands now. On the primary, since a replica may not know of the first attempt yet. */
  find(key: OrderKey): Promise<Claim | undefined> {
    return this.sharded.write(key.accountId, (tx) => read(tx, key));
  }

  /**
   * The order, its key's answer and the job that has it paid, in one transaction.
   *
   * @returns whether this attempt placed it; false when another one did, or the claim was given up
   */
  async place({ accountId, idempotencyKey }: OrderKey, order: Order): Promise<boolean> {
    const { id: orderId, totalCents } = order;
    try {
      await this.sharded.write(accountId, async (tx) => {
        // All are on their way before the first is answered; what was added for nothing is rolled back.
        const [placed] = await Promise.all([
          tx.query<unknown[]>(placeSql, [accountId, idempotencyKey, orderId, JSON.stringify(order)]),
          addMessage(tx, takePayment, { orderId, accountId, amountCents: totalCents }),
        ]);
        if (placed.length === 0) throw new NotPlaced();
      });
      return true;
    } catch (error) {
      if (error instanceof NotPlaced) return false;
      throw error;
    }
  }

  /**
   * Moves a claim on, if it still stands where the caller thinks.
   *
   * @returns whether it did. From `claimed` to `releasing` or `refused`, the order id is never placed after it.
   */
  move({ accountId, idempotencyKey }: KeyName, orderId: string, from: OpenState, to: 'releasing' | 'refused'): Promise<boolean> {
    return this.sharded.write(accountId, async (tx) => {
      const [, count] = await tx.query<[unknown[], number]>(moveSql, [accountId, idempotencyKey, orderId, from, to]);
      return count > 0;
    });
  }

  /** Claims that have been neither placed nor ended for so long, some of each shard. */
  async findStuck(olderThanMs: number): Promise<(KeyName & { orderId: string })[]> {
    const ofShards = await Promise.all(
      this.sharded.all.map((shard) =>
        shard.write((tx) => tx.query<(KeyName & { orderId: string })[]>(stuckSql, [olderThanMs])),
      ),
    );
    return ofShards.flat();
  }
}

async function read(tx: EntityManager, { accountId, idempotencyKey }: OrderKey): Promise<Claim | undefined> {
  const [claim] = await tx.query<Claim[]>(findSql, [accountId, idempotencyKey]);
  return claim;
}

const columns = `body_hash as "bodyHash", order_id as "orderId", state, answer`;

const claimSql = `
  insert into idempotency_keys as known (account_id, key, body_hash, order_id, state, answer)
  values ($1, $2, $3, $4, 'claimed', $5)
  on conflict (account_id, key) do update
    set order_id = excluded.order_id, state = 'claimed', answer = excluded.answer, created_at = excluded.created_at
    where known.state = 'refused' and known.body_hash = excluded.body_hash
  returning ${columns}`;

const findSql = `select ${columns} from idempotency_keys where account_id = $1 and key = $2`;

// The update locks the key's row: of two attempts the second one waits, then finds it placed and inserts nothing.
const placeSql = `
  with placed as (
    update idempotency_keys set state = 'placed', answer = $4::jsonb
    where account_id = $1 and key = $2 and order_id = $3 and state = 'claimed'
    returning order_id, account_id, answer
  ), unpaid as (
    insert into unpaid_orders (order_id, account_id) select order_id, account_id from placed
  )
  insert into orders (id, account_id, status, total_cents, created_at, lines)
  select order_id, account_id, answer->>'status', (answer->>'totalCents')::bigint, (answer->>'createdAt')::timestamptz,
    answer->'lines'
  from placed
  returning id`;

const moveSql = `
  update idempotency_keys set state = $5
  where account_id = $1 and key = $2 and order_id = $3 and state = $4`;

const stuckSql = `
  select account_id as "accountId", key as "idempotencyKey", order_id as "orderId" from idempotency_keys
  where state in ('claimed', 'releasing') and created_at < now() - make_interval(secs => $1::float8 / 1000)
  order by created_at limit 100`;
