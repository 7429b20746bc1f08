import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A claim that is given up is `releasing` until its stock is back, so that whoever dies in between can be finished for. */
export class EndStuckCheckouts1764000000010 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table idempotency_keys drop constraint idempotency_keys_state_check');
    await queryRunner.query(`
      alter table idempotency_keys add constraint idempotency_keys_state_check
        check (state in ('claimed', 'releasing', 'placed', 'refused')) not valid`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`update idempotency_keys set state = 'claimed' where state = 'releasing'`);
    await queryRunner.query('alter table idempotency_keys drop constraint idempotency_keys_state_check');
    await queryRunner.query(`
      alter table idempotency_keys add constraint idempotency_keys_state_check
        check (state in ('claimed', 'placed', 'refused')) not valid`);
  }
}
