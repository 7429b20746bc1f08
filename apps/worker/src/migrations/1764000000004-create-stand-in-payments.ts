import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The books of the payment stand-in: a real provider keeps them, and nobody here would have this table. */
export class CreateStandInPayments1764000000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table stand_in_payments (
        key uuid primary key,
        amount_cents bigint not null,
        state text not null check (state in ('accepted', 'declined', 'voided', 'refunded')),
        asked int not null default 1,
        at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table stand_in_payments');
  }
}
