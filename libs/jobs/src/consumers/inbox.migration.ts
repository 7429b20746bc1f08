import type { Migration } from '@tenfold/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

class CreateInbox1763000000002 implements MigrationInterface {
  readonly name = 'CreateInbox1763000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE inbox (
        message_id uuid PRIMARY KEY,
        handled_at timestamptz NOT NULL DEFAULT now()
      )
    `);
    // Rows come in the order of time: a BRIN index finds the old ones at hardly any cost of its own.
    await runner.query('CREATE INDEX inbox_handled_at ON inbox USING brin (handled_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE inbox');
  }
}

/** For the migrations of every service with an `@Handles` method that marks what it has handled. */
export const inboxMigrations: readonly Migration[] = [CreateInbox1763000000002];
