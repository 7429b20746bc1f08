import { Injectable, Logger } from '@nestjs/common';
import { catalogCalls, inventoryCalls } from '@tenfold/contracts';
import type { ItemQuantity, Order, ResponseOf, ValidRequestOf, ordersCalls } from '@tenfold/contracts';
import { CallError, InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { createdAtOf } from '../order/order.id.ts';
import { CheckoutRepository } from './checkout.repository.ts';
import type { Claim, KeyName, OrderKey } from './checkout.repository.ts';

type PlaceOrder = typeof ordersCalls.calls.placeOrder;
type OpenClaim = Exclude<Claim, { state: 'placed' }>;

// A further round is needed only when another attempt under the same key gave up in the middle of this one.
const rounds = 3;

/**
 * Places an order once per key: claim the key, price the items, reserve them, place the order. Every step can be done
 * again under the claim's order id, so whoever comes with the key next carries on where a crashed attempt stopped, and
 * two attempts at once end in one order.
 *
 * A claim that is given up is `releasing` until the stock is back, then `refused`; whoever finds one on the way, be it the
 * next attempt or the reconciler, finishes that first.
 *
 * Only an order is a final answer. A refusal (no stock, unknown product) leaves the key free, since the next attempt may
 * well succeed; but it stays bound to its body.
 */
@Injectable()
export class CheckoutService {
  readonly #logger = new Logger(CheckoutService.name);

  constructor(
    private readonly checkouts: CheckoutRepository,
    @InjectCalls(catalogCalls) private readonly catalog: CallClient<typeof catalogCalls>,
    @InjectCalls(inventoryCalls) private readonly inventory: CallClient<typeof inventoryCalls>,
  ) {}

  /** @throws CallError with a code of `placeOrder` */
  async place({ items, ...key }: ValidRequestOf<PlaceOrder>): Promise<ResponseOf<PlaceOrder>> {
    for (let round = 1; round <= rounds; round += 1) {
      const claim = await this.#claim(key, items);
      if (claim.state === 'placed') return { order: claim.answer, replayed: true };
      if (claim.state === 'releasing') {
        await this.#release(key, claim.orderId);
        continue;
      }
      const order = await this.#carryOut(key, claim);
      if (order) return { order, replayed: false };
    }
    throw new Error(`other attempts gave up the claim ${rounds} times`);
  }

  /**
   * Ends a claim that is not placed, and gives back what it had reserved.
   *
   * @returns whether it ended here; false when it was placed or is over
   * @throws CallError when the stock cannot be given back now; the claim stays `releasing`
   */
  async end(key: KeyName, orderId: string): Promise<boolean> {
    const moved = await this.checkouts.move(key, orderId, 'claimed', 'releasing');
    return (await this.#release(key, orderId)) || moved;
  }

  async #claim(key: OrderKey, items: readonly ItemQuantity[]): Promise<Claim> {
    // Without items there may still be an earlier answer: the first attempt emptied the cart.
    const claim = items.length > 0 ? await this.checkouts.claim(key, merge(items)) : await this.checkouts.find(key);
    if (claim && claim.bodyHash !== key.bodyHash) {
      throw new CallError('key-reused', 'the idempotency key came with another body before');
    }
    if (!claim || (claim.state === 'refused' && items.length === 0)) {
      throw new CallError('nothing-to-order', 'there is nothing to order');
    }
    return claim;
  }

  /** The order as placed by this attempt, or undefined when the claim ended meanwhile. */
  async #carryOut(key: OrderKey, { orderId, answer: items }: OpenClaim): Promise<Order | undefined> {
    const order = await this.#price(key, orderId, items);
    if (!(await this.#reserve(key, orderId, items))) return undefined;
    let placed: boolean;
    try {
      placed = await this.checkouts.place(key, order);
    } catch (error) {
      // Only if the database still says that it is not placed; if it says nothing, the next attempt carries on.
      await this.#endQuietly(key, orderId);
      throw error;
    }
    if (placed) return order;
    // Another attempt placed it or gave it up; in that case the stock that this one reserved may have come too late for it.
    const now = await this.checkouts.find(key);
    if (now?.state !== 'placed' || now.orderId !== orderId) await this.inventory.release({ orderId });
    return undefined;
  }

  async #price(key: OrderKey, orderId: string, items: readonly ItemQuantity[]): Promise<Order> {
    const products = await this.catalog.getProducts({ ids: items.map(({ productId }) => productId) });
    const byId = new Map(products.items.map((product) => [product.id, product]));
    const lines: Order['lines'] = [];
    for (const { productId, quantity } of items) {
      const product = byId.get(productId);
      if (!product) {
        // An earlier attempt may have got further.
        await this.#endQuietly(key, orderId);
        throw new CallError('unknown-product', `there is no product ${productId}`);
      }
      lines.push({ productId, name: product.name, categoryId: product.categoryId, quantity, priceCents: product.priceCents });
    }
    return {
      id: orderId,
      accountId: key.accountId,
      status: 'awaiting-payment',
      totalCents: lines.reduce((total, { quantity, priceCents }) => total + quantity * priceCents, 0),
      lines,
      createdAt: timeOf(orderId).toISOString(),
    };
  }

  /** Whether the items are reserved; false when another attempt has given up this claim. */
  async #reserve(key: OrderKey, orderId: string, items: ItemQuantity[]): Promise<boolean> {
    try {
      await this.inventory.reserve({ orderId, items });
      return true;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // The items are the claim's own, so only a release can have come between.
      if (error.code === 'reserved-differently') return false;
      if (error.code !== 'out-of-stock') throw error;
      // Another attempt under the same key may have got the stock.
      await this.#endQuietly(key, orderId);
      // Our own refusal: another service's would reach our caller as `internal`.
      throw new CallError('out-of-stock', error.message, { cause: error });
    }
  }

  /** Gives the stock of a claim back that is given up. @returns whether it was not over before */
  async #release(key: KeyName, orderId: string): Promise<boolean> {
    await this.inventory.release({ orderId });
    return this.checkouts.move(key, orderId, 'releasing', 'refused');
  }

  async #endQuietly(key: KeyName, orderId: string): Promise<void> {
    try {
      await this.end(key, orderId);
    } catch (error) {
      this.#logger.warn({ err: error, orderId }, 'a checkout is left to the reconciler');
    }
  }
}

/** Each product once. */
function merge(items: readonly ItemQuantity[]): ItemQuantity[] {
  const quantities = new Map<number, number>();
  for (const { productId, quantity } of items) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}

function timeOf(orderId: string): Date {
  const time = createdAtOf(orderId);
  if (!time) throw new RangeError(`${orderId} is not an id of an order`);
  return time;
}
