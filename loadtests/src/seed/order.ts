import { hexDigits, integerBetween, randomFrom, type Random } from '../random.ts';
import { scatter, zipfRanks } from '../zipf.ts';
import { productHead } from './product.ts';
import type { SeedSize } from './service-seed.ts';

/** Orders of a seed. */
export const seededOrders = (scale: number): number => Math.round(300_000 * scale);

const ORDER_SEED = 0x6f_72_64_72;

export interface SeedOrder {
  /** Version 7, of the millisecond of `createdAt` (RFC 9562, section 5.7). */
  id: string;
  /** Number of the customer, from 1. */
  account: number;
  createdAt: number;
  lines: { productId: number; quantity: number }[];
}

/**
 * The order history, oldest first: trade grows threefold on the way, a few customers buy often and most seldom, and
 * popular products sell by Zipf's law. The same size always gives the same orders.
 */
export function* ordersOf({ orders, accounts, products, from, until }: SeedSize): Generator<SeedOrder> {
  const random = randomFrom(ORDER_SEED);
  const buyerRank = zipfRanks(accounts, 0.7);
  const productRank = zipfRanks(products, 0.9);
  const span = until.getTime() - from.getTime();

  for (let index = 0; index < orders; index++) {
    const createdAt = Math.floor(from.getTime() + span * growth((index + random()) / orders));
    const account = scatter(buyerRank(random), accounts);
    const lines = new Map<number, number>();
    for (let left = lineCount(random); left > 0; left--) {
      lines.set(scatter(productRank(random), products), integerBetween(random, 1, 3));
    }
    yield {
      id: uuidOf(createdAt, random),
      account,
      createdAt,
      lines: [...lines].map(([productId, quantity]) => ({ productId, quantity })),
    };
  }
}

/** Everything that lines and sums need of the products, looked up 700,000 times and so made once. */
export function priceList(products: number): { categoryIds: Int32Array; prices: Int32Array; names: string[] } {
  const categoryIds = new Int32Array(products + 1);
  const prices = new Int32Array(products + 1);
  const names: string[] = [''];
  for (let id = 1; id <= products; id++) {
    const { categoryId, priceCents, name } = productHead(id);
    categoryIds[id] = categoryId;
    prices[id] = priceCents;
    names.push(name);
  }
  return { categoryIds, prices, names };
}

/** Where in the period the given share of all orders has come in, if their density grows evenly from 1 to 3. */
function growth(share: number): number {
  return (Math.sqrt(1 + 8 * share) - 1) / 2;
}

/** 1 to 5, half of them 1. */
function lineCount(random: Random): number {
  const draw = random();
  return draw < 0.5 ? 1 : draw < 0.75 ? 2 : draw < 0.9 ? 3 : draw < 0.97 ? 4 : 5;
}

function uuidOf(milliseconds: number, random: Random): string {
  const time = milliseconds.toString(16).padStart(12, '0');
  const digits = hexDigits(random, 18);
  const variant = (8 + Math.floor(random() * 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits.slice(0, 3)}-${variant}${digits.slice(3, 6)}-${digits.slice(6)}`;
}
