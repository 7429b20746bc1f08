import type { Migration } from '@tenfold/database';
import type { MigrationInterface, QueryRunner } from 'typeorm';

class CreateJobStates1763000000005 implements MigrationInterface {
  readonly name = 'CreateJobStates1763000000005';

  async up(runner: QueryRunner): Promise<void> {
    // The room left in each page lets an update stay in it, so that no index entry is written for it.
    await runner.query(`
      CREATE TABLE job_states (
        job_id uuid PRIMARY KEY,
        topic text NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
        run uuid,
        attempt int NOT NULL DEFAULT 0,
        done bigint NOT NULL DEFAULT 0,
        total bigint,
        checkpoint jsonb,
        result jsonb,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        changed_at timestamptz NOT NULL DEFAULT now()
      ) WITH (fillfactor = 50)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE job_states');
  }
}

/** For the migrations of every service with a `tracked` handler. */
export const jobStateMigrations: readonly Migration[] = [CreateJobStates1763000000005];
