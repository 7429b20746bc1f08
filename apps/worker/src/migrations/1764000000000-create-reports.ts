import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateReports1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table reports (
        id uuid primary key,
        account_id uuid not null,
        kind text not null,
        from_day date not null,
        to_day date not null check (to_day >= from_day),
        state text not null check (state in ('waiting', 'running', 'done', 'failed')),
        progress int not null default 0 check (progress between 0 and 100),
        file text,
        created_at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table reports');
  }
}
