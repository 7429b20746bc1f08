import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The sales by hour and product beside those by day and category; and generations of both, so that they can be built anew
 * beside those that are read. The one row of `sales_generations` names which is which.
 */
export class CreateSalesGenerations1764000000003 implements MigrationInterface {
  // Sums by day of two years are some ten thousand rows, which are indexed anew within tens of milliseconds. The version
  // before cannot add to them any more: what it tries is tried again by this one.
  readonly accepts = ['unique-constraint'] as const;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table sales_by_day add column generation int not null default 1');
    await queryRunner.query('alter table sales_by_day drop constraint sales_by_day_pkey, add primary key (generation, day, category_id)');
    await queryRunner.query(`
      create table sales_by_hour (
        generation int not null default 1,
        hour timestamp not null,
        product_id int not null,
        category_id int not null,
        orders int not null,
        units int not null,
        revenue_cents bigint not null,
        primary key (generation, hour, product_id)
      ) partition by list (generation)`);
    await queryRunner.query('create table sales_by_hour_1 partition of sales_by_hour for values in (1) with (fillfactor = 80)');
    // Orders that the generation counted when it was built: their events may come later. The first one was built from events.
    await queryRunner.query('create table sales_counted_1 (order_id uuid primary key)');
    await queryRunner.query(`
      create table sales_generations (
        one boolean primary key default true check (one),
        live int not null,
        building int
      )`);
    await queryRunner.query('insert into sales_generations (live) values (1)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('delete from sales_by_day where generation <> (select live from sales_generations)');
    await queryRunner.query('drop table sales_by_hour, sales_counted_1, sales_generations');
    await queryRunner.query('alter table sales_by_day drop constraint sales_by_day_pkey, add primary key (day, category_id)');
    await queryRunner.query('alter table sales_by_day drop column generation');
  }
}
