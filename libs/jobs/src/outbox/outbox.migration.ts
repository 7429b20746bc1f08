import type { Migration } from '@tenfold/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

class CreateOutbox1763000000001 implements MigrationInterface {
  readonly name = 'CreateOutbox1763000000001';

  async up(runner: QueryRunner): Promise<void> {
    // Rows live for a moment, so the table is vacuumed by number of dead rows, not by their share.
    await runner.query(`
      CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        message_id uuid NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        payload text NOT NULL,
        headers jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE outbox');
  }
}

/** For the migrations of every service that calls `addMessage`. */
export const outboxMigrations: readonly Migration[] = [CreateOutbox1763000000001];
