import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Goes through all orders without a lock that stops anybody. */
export class ValidateOrderStatus1764000000031 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table orders validate constraint orders_status_check');
  }

  async down(): Promise<void> {
    // A constraint that is validated harms nobody.
  }
}
