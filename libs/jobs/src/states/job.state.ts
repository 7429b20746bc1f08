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

/** @param query runs SQL where the table `job_states` is, and gives the rows */
export async function findJobState(query: (sql: string, parameters: unknown[]) => Promise<JobState[]>, id: string): Promise<JobState | undefined> {
  const [state] = await query(findSql, [id]);
  return state && { ...state, done: Number(state.done), total: state.total === null ? null : Number(state.total) };
}

const findSql = `
  SELECT job_id AS id, topic, state, attempt, done, total, result, error, created_at AS "createdAt", changed_at AS "changedAt"
  FROM job_states WHERE job_id = $1`;
