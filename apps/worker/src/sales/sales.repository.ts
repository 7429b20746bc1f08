import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';

/** What orders add to one category on one day. */
export interface CategorySales {
  day: string;
  categoryId: number;
  orders: number;
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

  /** @param sales each day and category once */
  async add(tx: EntityManager, sales: readonly CategorySales[]): Promise<void> {
    // In the order of the key, so that two transactions with the same categories never wait for each other crosswise.
    const sorted = [...sales].sort((one, other) => one.day.localeCompare(other.day) || one.categoryId - other.categoryId);
    await tx.query(
      `insert into sales_by_day (day, category_id, orders, units, revenue_cents)
       select * from unnest($1::date[], $2::int[], $3::int[], $4::int[], $5::bigint[])
       on conflict (day, category_id) do update set
         orders = sales_by_day.orders + excluded.orders,
         units = sales_by_day.units + excluded.units,
         revenue_cents = sales_by_day.revenue_cents + excluded.revenue_cents`,
      [
        sorted.map(({ day }) => day),
        sorted.map(({ categoryId }) => categoryId),
        sorted.map(({ orders }) => orders),
        sorted.map(({ units }) => units),
        sorted.map(({ revenueCents }) => revenueCents),
      ],
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
