import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAccounts1764000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      create table accounts (
        id uuid primary key,
        email text not null constraint accounts_email_unique unique check (email = lower(email)),
        name text not null,
        role text not null check (role in ('customer', 'admin')),
        password_hash text not null,
        created_at timestamptz not null default now()
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('drop table accounts');
  }
}
