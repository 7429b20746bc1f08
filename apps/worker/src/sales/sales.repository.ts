import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';

/** What an order adds to one category. */
export interface CategorySales {
  categoryId: number;
  units: number;
  revenueCents: number;
}

/** First and last day of a period. */
export interface Period {
  from: string;
  to: string;
}

/** Sales of a period; `month` as `2026-11`. Sums are strings, since they can pass what a number holds. */
export interface SalesRow {
  month: string;
  categoryId: number;
  orders: string;
  units: string;
  revenueCents: string;
}

@Injectable()
export class SalesRepository {
  constructor(private readonly database: Database) {}

  /** Adds one order to the sums of its day. */
  async add(tx: EntityManager, day: string, sales: readonly CategorySales[]): Promise<void> {
    // In the order of the key, so that two orders of the same categories never wait for each other crosswise.
    const sorted = [...sales].sort((one, other) => one.categoryId - other.categoryId);
    await tx.query(
      `insert into sales_by_day (day, category_id, orders, units, revenue_cents)
       select $1, category_id, 1, units, revenue_cents
       from unnest($2::int[], $3::int[], $4::bigint[]) as sales (category_id, units, revenue_cents)
       on conflict (day, category_id) do update set
         orders = sales_by_day.orders + excluded.orders,
         units = sales_by_day.units + excluded.units,
         revenue_cents = sales_by_day.revenue_cents + excluded.revenue_cents`,
      [day, sorted.map((row) => row.categoryId), sorted.map((row) => row.units), sorted.map((row) => row.revenueCents)],
    );
  }

  /** The calendar months of a period, its first and last one cut to it, from the first sale in it to the last. */
  months({ from, to }: Period): Promise<Period[]> {
    return this.database.read((manager) =>
      manager.query<Period[]>(
        `select to_char(greatest(month, $1::date), 'YYYY-MM-DD') as "from",
           to_char(least(month + interval '1 month - 1 day', $2::date), 'YYYY-MM-DD') as "to"
         from (select min(day)::timestamp as first, max(day)::timestamp as last from sales_by_day where day between $1 and $2) as sold,
           generate_series(date_trunc('month', first), last, interval '1 month') as month`,
        [from, to],
      ),
    );
  }

  /** Sums by category from one day to another, both included, all within one calendar month. */
  byCategory({ from, to }: Period): Promise<SalesRow[]> {
    return this.database.read((manager) =>
      manager.query<SalesRow[]>(
        `select to_char($1::date, 'YYYY-MM') as month, category_id as "categoryId", sum(orders) as orders,
           sum(units) as units, sum(revenue_cents) as "revenueCents"
         from sales_by_day where day between $1 and $2 group by category_id order by category_id`,
        [from, to],
      ),
    );
  }
}
