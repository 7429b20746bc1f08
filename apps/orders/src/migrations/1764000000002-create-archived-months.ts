import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateArchivedMonths1764000000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table archived_months (
        month text primary key check (month ~ '^\\d{4}-\\d{2}$'),
        file text not null,
        rows int not null,
        sha256 text not null,
        archived_at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table archived_months');
  }
}
