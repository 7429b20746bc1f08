import type { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';
import { findJobState } from './job.state.ts';
import type { JobState } from './job.state.ts';

/** Where tracked jobs are, by id. They are kept until {@link JobStates.forget}. */
export class JobStates {
  constructor(private readonly database: Database) {}

  /** On the primary while it is up: whoever sees a job done would see it running again on a replica that is behind. */
  async find(id: string): Promise<JobState | undefined> {
    return this.database.read((reader) => findJobState((sql, parameters) => reader.query(sql, parameters), id), { prefer: 'primary' });
  }

  /**
   * Ends a job that has not ended. The process that works on it notices within half a second, and its `signal` aborts.
   *
   * @returns whether this ended it; false when it was over, or nobody knows it
   */
  async cancel(tx: EntityManager, id: string): Promise<boolean> {
    const [, count] = await tx.query<[unknown[], number]>(
      `UPDATE job_states SET state = 'cancelled', run = NULL, checkpoint = NULL, changed_at = now()
       WHERE job_id = $1 AND state IN ('waiting', 'running')`,
      [id],
    );
    return count > 0;
  }

  /** Forgets jobs that are over. One that is delivered again after that would run again. */
  async forget(tx: EntityManager, ids: readonly string[]): Promise<void> {
    await tx.query(`DELETE FROM job_states WHERE job_id = ANY ($1) AND state NOT IN ('waiting', 'running')`, [ids]);
  }
}

/** Makes a job known before its first attempt. */
export async function trackJob(tx: EntityManager, id: string, topic: string): Promise<void> {
  await tx.query(`INSERT INTO job_states (job_id, topic, state) VALUES ($1, $2, 'waiting')`, [id, topic]);
}
