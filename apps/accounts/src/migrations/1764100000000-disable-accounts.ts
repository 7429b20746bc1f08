import type { MigrationInterface, QueryRunner } from 'typeorm';

export class DisableAccounts1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table accounts add column disabled boolean not null default false');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('alter table accounts drop column disabled');
  }
}
