import type { Order } from '@tenfold/contracts';

/** What the sums are made from. */
export type SoldOrder = Pick<Order, 'createdAt' | 'lines'>;

interface Sums {
  orders: number;
  units: number;
  revenueCents: number;
}

/** What orders add to one category on one day. */
export interface CategorySales extends Sums {
  day: string;
  categoryId: number;
}

/** What orders add to one product in one hour. */
export interface ProductSales extends Sums {
  hour: string;
  productId: number;
  categoryId: number;
}

/** One sum for each day and category; an order counts once in each of its categories. */
export function categorySales(orders: readonly SoldOrder[]): CategorySales[] {
  return sumsOf(orders, (createdAt, { categoryId }) => ({ day: createdAt.slice(0, 10), categoryId }));
}

/** One sum for each hour and product, in the category that the first order names; an order counts once in each of its products. */
export function productSales(orders: readonly SoldOrder[]): ProductSales[] {
  const categories = new Map<number, number>();
  const sums = sumsOf(orders, (createdAt, { productId, categoryId }) => {
    if (!categories.has(productId)) categories.set(productId, categoryId);
    return { hour: `${createdAt.slice(0, 13)}:00`, productId };
  });
  return sums.map((sum) => ({ ...sum, categoryId: categories.get(sum.productId) ?? 0 }));
}

/** In the order of their keys, so that two transactions with the same ones never wait for each other crosswise. */
function sumsOf<Key extends object>(orders: readonly SoldOrder[], keyOf: (createdAt: string, line: Order['lines'][number]) => Key): (Key & Sums)[] {
  const sums = new Map<string, Key & Sums>();
  for (const { createdAt, lines } of orders) {
    const counted = new Set<string>();
    for (const line of lines) {
      const key = keyOf(createdAt, line);
      const text = Object.values(key).join('/');
      const sum = sums.get(text) ?? { ...key, orders: 0, units: 0, revenueCents: 0 };
      if (!counted.has(text)) sum.orders += 1;
      counted.add(text);
      sum.units += line.quantity;
      sum.revenueCents += line.quantity * line.priceCents;
      sums.set(text, sum);
    }
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, sum]) => sum);
}
