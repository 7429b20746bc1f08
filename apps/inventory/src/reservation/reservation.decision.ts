import type { ItemQuantity } from '@tenfold/contracts';

/** Stock of a product as of one version. */
export interface StockLevel {
  productId: number;
  version: number;
  available: number;
  reserved: number;
}

export interface OrderItems {
  orderId: string;
  items: readonly ItemQuantity[];
}

/** A product's stock was reserved for an order. */
export interface Reserved {
  productId: number;
  version: number;
  quantity: number;
  orderId: string;
}

export interface Decision {
  events: Reserved[];
  /** The products that were reserved, as they are after the events. */
  levels: StockLevel[];
  /** Orders that get nothing, and the products of which there was too little. */
  refused: Map<string, number[]>;
}

/** Decides on orders in turn: each gets all of its items, or none and leaves the next one what there is. */
export function decide(levels: readonly StockLevel[], orders: readonly OrderItems[]): Decision {
  const known = new Map(levels.map((level) => [level.productId, { ...level }]));
  const changed = new Set<StockLevel>();
  const decision: Decision = { events: [], levels: [], refused: new Map() };
  for (const { orderId, items } of orders) {
    const short = items.filter(({ productId, quantity }) => (known.get(productId)?.available ?? 0) < quantity);
    if (short.length > 0) {
      decision.refused.set(orderId, short.map(({ productId }) => productId));
      continue;
    }
    for (const { productId, quantity } of items) {
      const level = known.get(productId);
      if (!level) continue;
      level.version += 1;
      level.available -= quantity;
      level.reserved += quantity;
      changed.add(level);
      decision.events.push({ productId, version: level.version, quantity, orderId });
    }
  }
  decision.levels = [...changed];
  return decision;
}
