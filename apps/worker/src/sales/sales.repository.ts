import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { categorySales, productSales } from './sales.sums.ts';
import type { SoldOrder } from './sales.sums.ts';

/** Which sums are read, and which are being built beside them. */
export interface Generations {
  live: number;
  building: number | null;
}

/** The sums of sales, by generation. */
@Injectable()
export class SalesRepository {
  /** They stay as they are until the transaction ends. */
  async generations(tx: EntityManager): Promise<Generations> {
    const [generations] = await tx.query<[Generations]>('select live, building from sales_generations for share');
    return generations;
  }

  async add(tx: EntityManager, generation: number, orders: readonly SoldOrder[]): Promise<void> {
    if (orders.length === 0) return;
    await tx.query(addDaysSql, [generation, JSON.stringify(categorySales(orders))]);
    await tx.query(addHoursSql, [generation, JSON.stringify(productSales(orders))]);
  }

  /** @returns those orders that the generation under construction has not counted; from now on it has */
  async countOnce(tx: EntityManager, building: number, orderIds: readonly string[]): Promise<Set<string>> {
    const fresh = await tx.query<{ id: string }[]>(
      `insert into sales_counted_${building} select distinct unnest($1::uuid[]) as id order by id on conflict do nothing returning order_id as id`,
      [orderIds],
    );
    return new Set(fresh.map(({ id }) => id));
  }

  /** @returns those orders that the live generation had counted before it went live */
  async countedBefore(tx: EntityManager, live: number, orderIds: readonly string[]): Promise<Set<string>> {
    const counted = await tx.query<{ id: string }[]>(`select order_id as id from sales_counted_${live} where order_id = any($1)`, [orderIds]);
    return new Set(counted.map(({ id }) => id));
  }

  /** Begins a generation beside the live one, in place of one that was begun before. @returns its number */
  async begin(tx: EntityManager): Promise<number> {
    await tx.query(`set local lock_timeout = '5s'`);
    const [{ live, building }] = await tx.query<[Generations]>('select live, building from sales_generations for update');
    const next = live + 1;
    for (const gone of new Set([building, live - 1])) {
      if (gone === null) continue;
      await tx.query(`drop table if exists sales_by_hour_${gone}, sales_counted_${gone}`);
      await tx.query('delete from sales_by_day where generation = $1', [gone]);
    }
    await tx.query(`create table sales_by_hour_${next} partition of sales_by_hour for values in (${next}) with (fillfactor = 80)`);
    await tx.query(`create table sales_counted_${next} (order_id uuid primary key)`);
    await tx.query('update sales_generations set building = $1', [next]);
    return next;
  }

  /**
   * Has the generation read from now on: whoever reads sees the earlier one or this one, never some of both. The earlier
   * one stays until the next is begun, for reports that are under way.
   *
   * @throws Error when it is not the one under construction
   */
  async swap(tx: EntityManager, generation: number): Promise<void> {
    const [, count] = await tx.query<[unknown[], number]>('update sales_generations set live = building, building = null where building = $1', [generation]);
    if (count === 0) throw new Error(`generation ${generation} of the sales is not under construction`);
  }
}

const addDaysSql = `
  insert into sales_by_day as known (generation, day, category_id, orders, units, revenue_cents)
  select $1, day, "categoryId", orders, units, "revenueCents"
  from jsonb_to_recordset($2) as sold (day date, "categoryId" int, orders int, units int, "revenueCents" bigint)
  on conflict (generation, day, category_id) do update set
    orders = known.orders + excluded.orders,
    units = known.units + excluded.units,
    revenue_cents = known.revenue_cents + excluded.revenue_cents`;

const addHoursSql = `
  insert into sales_by_hour as known (generation, hour, product_id, category_id, orders, units, revenue_cents)
  select $1, hour, "productId", "categoryId", orders, units, "revenueCents"
  from jsonb_to_recordset($2) as sold (hour timestamp, "productId" int, "categoryId" int, orders int, units int, "revenueCents" bigint)
  on conflict (generation, hour, product_id) do update set
    orders = known.orders + excluded.orders,
    units = known.units + excluded.units,
    revenue_cents = known.revenue_cents + excluded.revenue_cents`;
