import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For the reconciler. The index holds what is under way, and so hardly anything. */
export class IndexOpenCheckouts1764000000011 implements MigrationInterface {
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table idempotency_keys validate constraint idempotency_keys_state_check');
    await queryRunner.query(`
      create index concurrently if not exists idempotency_keys_open on idempotency_keys (created_at) where state in ('claimed', 'releasing')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop index concurrently if exists idempotency_keys_open');
  }
}
