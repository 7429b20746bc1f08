import type { Report } from '@tenfold/contracts';

/** A row as text, as the database sends it, in the order of its statement's columns. */
export type Cells = readonly string[];

/** A place among the rows: their first two columns. */
export type RowKey = readonly [string, string];

/** What a kind of report is made from, and what it makes of the rows. */
export interface ReportTable {
  heading: string;
  /** Rows after a key, in their order: generation, from, to, both parts of the key, limit. */
  rows: string;
  /** How many there are: generation, from, to. */
  count: string;
  /** Before every row. */
  start: RowKey;
  /** @param state what `Summary.state` gave, to go on from there */
  summary(state: unknown): Summary;
}

/** What has been read and not written. */
export interface Summary {
  /** @returns lines that are complete now */
  add(row: Cells): string;
  /** @returns what is left */
  end(): string;
  /** JSON. */
  readonly state: unknown;
}

type Sums = { orders: number; units: number; revenueCents: bigint };
type SavedSums = readonly [category: number, orders: number, units: number, revenueCents: string];

/** Sums by category, of one label after another. */
class CategorySums implements Summary {
  readonly #labelOf: (row: Cells) => string;
  #label = '';
  #sums = new Map<number, Sums>();

  constructor(labelOf: (row: Cells) => string, state: unknown) {
    this.#labelOf = labelOf;
    if (!state) return;
    const { label, sums } = state as { label: string; sums: readonly SavedSums[] };
    this.#label = label;
    this.#sums = new Map(sums.map(([category, orders, units, cents]) => [category, { orders, units, revenueCents: BigInt(cents) }]));
  }

  get state(): unknown {
    const sums = [...this.#sums].map(([category, { orders, units, revenueCents }]): SavedSums => [category, orders, units, String(revenueCents)]);
    return { label: this.#label, sums };
  }

  add(row: Cells): string {
    const [, categoryId = '', orders, units, cents = '0'] = row;
    const label = this.#labelOf(row);
    const lines = label === this.#label ? '' : this.end();
    this.#label = label;
    const category = Number(categoryId);
    const sums = this.#sums.get(category) ?? { orders: 0, units: 0, revenueCents: 0n };
    sums.orders += Number(orders);
    sums.units += Number(units);
    sums.revenueCents += BigInt(cents);
    this.#sums.set(category, sums);
    return lines;
  }

  end(): string {
    const byCategory = [...this.#sums].sort(([one], [other]) => one - other);
    this.#sums.clear();
    return byCategory
      .map(([category, { orders, units, revenueCents }]) => lineOf([...(this.#label ? [this.#label] : []), category, orders, units], String(revenueCents)))
      .join('');
  }
}

/** Each row is a line. */
const eachRow: Summary = {
  add: ([hour, product, category, orders, units, cents = '0']) => lineOf([hour, product, category, orders, units], cents),
  end: () => '',
  state: null,
};

function lineOf(cells: readonly (string | number | undefined)[], revenueCents: string): string {
  const cents = revenueCents.padStart(3, '0');
  return `${cells.join(',')},${cents.slice(0, -2)}.${cents.slice(-2)}\n`;
}

const byDay = {
  rows: `
    select day::text, category_id::text, orders::text, units::text, revenue_cents::text from sales_by_day
    where generation = $1 and day between $2 and $3 and (day, category_id) > ($4::date, $5::int)
    order by sales_by_day.day, sales_by_day.category_id limit $6`,
  count: 'select count(*)::int as rows from sales_by_day where generation = $1 and day between $2 and $3',
  start: ['-infinity', '0'],
} as const;

export const reportTables: Readonly<Record<Report['kind'], ReportTable>> = {
  'sales-by-category': { ...byDay, heading: 'category,orders,units,revenue\n', summary: (state) => new CategorySums(() => '', state) },
  'sales-by-month': {
    ...byDay,
    heading: 'month,category,orders,units,revenue\n',
    summary: (state) => new CategorySums(([day = '']) => day.slice(0, 7), state),
  },
  'sales-by-hour': {
    heading: 'hour,product,category,orders,units,revenue\n',
    rows: `
      select to_char(hour, 'YYYY-MM-DD"T"HH24:00"Z"'), product_id::text, category_id::text, orders::text, units::text, revenue_cents::text
      from sales_by_hour
      where generation = $1 and hour >= $2::date and hour < $3::date + 1 and (hour, product_id) > ($4::timestamp, $5::int)
      order by sales_by_hour.hour, sales_by_hour.product_id limit $6`,
    count: 'select count(*)::int as rows from sales_by_hour where generation = $1 and hour >= $2::date and hour < $3::date + 1',
    start: ['-infinity', '0'],
    summary: () => eachRow,
  },
};
