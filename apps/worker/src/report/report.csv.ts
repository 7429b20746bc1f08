import type { Report } from '@tenfold/contracts';
import type { SalesRepository, SalesRow } from '../sales/sales.repository.ts';

type Period = Pick<Report, 'kind' | 'from' | 'to'>;

/**
 * The lines of a report, month by month, so that memory does not grow with its period.
 *
 * @param onProgress after each month, 0 to 100
 */
export async function* reportLines(
  { kind, from, to }: Period,
  sales: SalesRepository,
  onProgress: (percent: number) => Promise<void>,
): AsyncGenerator<string> {
  const perMonth = kind === 'sales-by-month';
  const totals = new Map<number, { orders: bigint; units: bigint; revenueCents: bigint }>();
  yield `${perMonth ? 'month,' : ''}category,orders,units,revenue\n`;

  const months = monthsBetween(from, to);
  for (const [index, month] of months.entries()) {
    for (const row of await sales.byCategory(month.from, month.to)) {
      if (perMonth) yield lineOf([row.month, row.categoryId], row);
      else addTo(totals, row);
    }
    await onProgress(Math.floor(((index + 1) / months.length) * 99));
  }
  for (const [categoryId, sums] of [...totals].sort(([one], [other]) => one - other)) yield lineOf([categoryId], sums);
}

function addTo(totals: Map<number, { orders: bigint; units: bigint; revenueCents: bigint }>, row: SalesRow): void {
  const sums = totals.get(row.categoryId) ?? { orders: 0n, units: 0n, revenueCents: 0n };
  sums.orders += BigInt(row.orders);
  sums.units += BigInt(row.units);
  sums.revenueCents += BigInt(row.revenueCents);
  totals.set(row.categoryId, sums);
}

function lineOf(
  labels: readonly (string | number)[],
  sums: { orders: string | bigint; units: string | bigint; revenueCents: string | bigint },
): string {
  const cents = String(sums.revenueCents).padStart(3, '0');
  return `${[...labels, sums.orders, sums.units, `${cents.slice(0, -2)}.${cents.slice(-2)}`].join(',')}\n`;
}

/** The parts of a period by calendar month, both ends included. */
export function monthsBetween(from: string, to: string): { from: string; to: string }[] {
  const parts: { from: string; to: string }[] = [];
  for (let start = from; start <= to; ) {
    const [year, month] = start.split('-').map(Number) as [number, number];
    // Day 0 of the following month is the last day of this one.
    const last = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
    parts.push({ from: start, to: last < to ? last : to });
    start = new Date(Date.UTC(year, month, 1)).toISOString().slice(0, 10);
  }
  return parts;
}
