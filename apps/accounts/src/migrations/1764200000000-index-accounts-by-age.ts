import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For the admin's list. */
export class IndexAccountsByAge1764200000000 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('create index concurrently if not exists accounts_by_age on accounts (created_at, id)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index concurrently if exists accounts_by_age');
  }
}
