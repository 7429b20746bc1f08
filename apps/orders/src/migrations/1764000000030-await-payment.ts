import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An order is confirmed when it is paid, which is after it was placed. */
export class AwaitPayment1764000000030 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table orders drop constraint orders_status_check');
    await queryRunner.query(`
      alter table orders add constraint orders_status_check
        check (status in ('awaiting-payment', 'confirmed', 'cancelling', 'cancelled')) not valid`);
    // What the reconciler looks through: a few seconds of orders, and those that are stuck.
    await queryRunner.query(`
      create table unpaid_orders (
        order_id uuid primary key,
        account_id uuid not null,
        reason text,
        since timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table unpaid_orders');
    await queryRunner.query(`update orders set status = 'confirmed' where status = 'awaiting-payment'`);
    await queryRunner.query(`update orders set status = 'cancelled' where status = 'cancelling'`);
    await queryRunner.query('alter table orders drop constraint orders_status_check');
    await queryRunner.query(`alter table orders add constraint orders_status_check check (status in ('confirmed', 'cancelled')) not valid`);
  }
}
