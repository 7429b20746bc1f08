import { randomUUIDv7 } from 'node:crypto';

/**
 * Ids of orders are UUIDv7 (RFC 9562, section 5.7): the first 48 bits are the Unix time in milliseconds. An order's
 * `created_at` is that time, so the id alone tells in which monthly partition the order lies.
 */
export function newOrderId(): string {
  return randomUUIDv7();
}

// Later times have years of five digits, which PostgreSQL takes but ISO 8601 dates do not.
const endOfTime = Date.UTC(9999, 0);

/** When the order was created, or undefined for an id that is no order's. */
export function createdAtOf(orderId: string): Date | undefined {
  if (orderId[14] !== '7') return undefined;
  const time = Number.parseInt(orderId.slice(0, 8) + orderId.slice(9, 13), 16);
  return time < endOfTime ? new Date(time) : undefined;
}
