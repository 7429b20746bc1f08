import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which file holds how many orders of an account, so that its history can say so without opening one. It moves with the
 * account's bucket; the file stays where it is.
 */
export class CreateArchivedOrders1764000000020 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table archived_orders (
        account_id uuid not null,
        month text not null check (month ~ '^\\d{4}-\\d{2}$'),
        file text not null,
        orders int not null check (orders > 0),
        primary key (account_id, month, file)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table archived_orders');
  }
}
