import { randomUUID } from 'node:crypto';
import type { Database } from '@tenfold/database';
import { JobsError } from '../jobs.error.ts';

const lookMs = 500;

/** How far a job is. */
export interface Progress {
  /** Of `total`, in a unit of the job's own, such as rows. */
  done: number;
  total: number;
  /** What the next run needs to go on from here; JSON. Absent: what was saved before stays. */
  checkpoint?: unknown;
}

interface Attempt {
  database: Database;
  topic: string;
  messageId: string;
  number: number;
}

/**
 * One run of a tracked job. Only the latest run of a job may write: a process that was taken for dead and wakes, or that
 * works on what somebody has cancelled, finds its run gone and stops.
 */
export class TrackedRun {
  readonly checkpoint: unknown;
  readonly #attempt: Attempt;
  readonly #run: string;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;

  private constructor(attempt: Attempt, run: string, checkpoint: unknown) {
    this.#attempt = attempt;
    this.#run = run;
    this.checkpoint = checkpoint;
    this.#timer = setInterval(() => void this.#look(), lookMs).unref();
  }

  /** @returns undefined for a job that is done or cancelled */
  static async begin(attempt: Attempt): Promise<TrackedRun | undefined> {
    const { database, messageId, topic, number } = attempt;
    const run = randomUUID();
    const [begun] = await database.write((tx) => tx.query<{ checkpoint: unknown }[]>(beginSql, [messageId, topic, run, number]));
    return begun && new TrackedRun(attempt, run, begun.checkpoint);
  }

  /** Aborts when the job is cancelled, or another process runs it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @throws JobsError `superseded` */
  async save({ done, total, checkpoint }: Progress): Promise<void> {
    await this.#change(saveSql, [done, total, checkpoint === undefined ? null : JSON.stringify(checkpoint)]);
  }

  /** @throws JobsError `superseded` */
  async finish(result: unknown): Promise<void> {
    this.stop();
    await this.#change(finishSql, [JSON.stringify(result ?? null)]);
  }

  /** @param last whether no further attempt follows */
  async fail(error: unknown, last: boolean): Promise<void> {
    this.stop();
    await this.#change(failSql, [last ? 'failed' : 'waiting', String(error).slice(0, 1000)]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #change(sql: string, parameters: readonly unknown[]): Promise<void> {
    const { database, messageId } = this.#attempt;
    const [, count] = await database.write((tx) => tx.query<[unknown[], number]>(sql, [messageId, this.#run, ...parameters]));
    if (count === 0) throw this.#lose();
  }

  async #look(): Promise<void> {
    const { database, messageId } = this.#attempt;
    try {
      const own = await database.read((reader) => reader.query<unknown[]>(lookSql, [messageId, this.#run]), { prefer: 'primary' });
      if (own.length === 0) this.#lose();
    } catch {
      // The next look, or the next thing to save, will tell.
    }
  }

  #lose(): JobsError {
    this.stop();
    const error = new JobsError('superseded', `job ${this.#attempt.messageId} was cancelled, or another process runs it`);
    this.#lost.abort(error);
    return error;
  }
}

// A job that another service added is known from its first attempt on.
const beginSql = `
  INSERT INTO job_states AS job (job_id, topic, state, run, attempt) VALUES ($1, $2, 'running', $3, $4)
  ON CONFLICT (job_id) DO UPDATE SET state = 'running', run = $3, attempt = $4, changed_at = now()
    WHERE job.state NOT IN ('done', 'cancelled')
  RETURNING checkpoint`;

const ownRun = `job_id = $1 AND run = $2 AND state = 'running'`;

const lookSql = `SELECT 1 FROM job_states WHERE ${ownRun}`;

const saveSql = `
  UPDATE job_states SET done = $3, total = $4, checkpoint = coalesce($5, checkpoint), changed_at = now() WHERE ${ownRun}`;

const finishSql = `
  UPDATE job_states SET state = 'done', done = coalesce(total, done), result = $3, checkpoint = NULL, error = NULL, changed_at = now()
  WHERE ${ownRun}`;

const failSql = `UPDATE job_states SET state = $3, error = $4, changed_at = now() WHERE ${ownRun}`;
