import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateSales1764000000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    // Half of each page stays free: the rows of today are updated again and again, and find room beside themselves.
    await queryRunner.query(`
      create table sales_by_day (
        day date not null,
        category_id int not null,
        orders int not null,
        units int not null,
        revenue_cents bigint not null,
        primary key (day, category_id)
      ) with (fillfactor = 50)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table sales_by_day');
  }
}
