import type { Database } from '@tenfold/database';
import type { EntityManager } from 'typeorm';

/**
 * - `waiting`: for its first attempt, or for the next one.
 * - `running`: a process works on it, or has died doing so and another will go on.
 * - `failed`: its last attempt failed; it is a dead letter, and runs again when that is replayed.
 */
export type JobStateName = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** How far a tracked job is. */
export interface JobState {
  /** The message's id. */
  id: string;
  topic: string;
  state: JobStateName;
  /** Number of the attempt under way, or of the last one; 0 before the first. */
  attempt: number;
  /** Of `total`, in the job's own unit, such as rows. */
  done: number;
  /** Null until the job knows. */
  total: number | null;
  /** What the handler returned; null until it is done. */
  result: unknown;
  /** Of the last attempt that failed. */
  error: string | null;
  createdAt: Date;
  changedAt: Date;
}

/** Where tracked jobs are, by id. They are kept until {@link JobStates.forget}. */
export class JobStates {
  constructor(private readonly database: Database) {}

  /** On the primary while it is up: whoever sees a job done would see it running again on a replica that is behind. */
  async find(id: string): Promise<JobState | undefined> {
    const [state] = await this.database.read((reader) => reader.query<JobState[]>(findSql, [id]), { prefer: 'primary' });
    return state && { ...state, done: Number(state.done), total: state.total === null ? null : Number(state.total) };
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

const findSql = `
  SELECT job_id AS id, topic, state, attempt, done, total, result, error, created_at AS "createdAt", changed_at AS "changedAt"
  FROM job_states WHERE job_id = $1`;
