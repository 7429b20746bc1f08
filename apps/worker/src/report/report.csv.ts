import type { Report } from '@tenfold/contracts';
import type { SalesRepository, SalesRow } from '../sales/sales.repository.ts';

/**
 * The lines of a report, read month by month: neither memory nor the age of a snapshot grows with its period.
 *
 * @param onProgress after each month, 0 to 100
 */
export async function* reportLines(
  { kind, from, to }: Pick<Report, 'kind' | 'from' | 'to'>,
  sales: SalesRepository,
  onProgress: (percent: number) => Promise<void>,
): AsyncGenerator<string> {
  const perMonth = kind === 'sales-by-month';
  const totals = new Map<number, { orders: bigint; units: bigint; revenueCents: bigint }>();
  yield `${perMonth ? 'month,' : ''}category,orders,units,revenue\n`;

  const months = await sales.months({ from, to });
  for (const [index, month] of months.entries()) {
    for (const row of await sales.byCategory(month)) {
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
