import { Logger } from '@nestjs/common';
import type { Job, PayloadOf } from '@tenfold/contracts';
import type { Database } from '@tenfold/database';
import { Cron } from 'croner';
import { JobsError } from '../jobs.error.ts';
import { addMessage } from '../outbox/outbox.ts';

export interface Schedule<J extends Job = Job> {
  /** Unique within the service. */
  name: string;
  /** In UTC, five fields, or six with seconds before them, e.g. `0 3 * * *`. */
  cron: string;
  job: J;
  payload: PayloadOf<J>;
}

interface KnownSchedule extends Schedule {
  times: Cron;
  /** Epoch milliseconds by this process's clock, from when it is worth asking the database. */
  lookAt: number;
}

const intervalMs = 500;
// A replica that did it, or a schedule that changed, is noticed at the latest after so long.
const longestMs = 30_000;

/**
 * Adds jobs at the times of their schedules, once over all replicas: whoever gets the schedule's row first, at a time that
 * the database says has come, adds the job and the next time in one transaction. A time that passes while no replica runs
 * is made up for once.
 */
export class Schedules {
  readonly #database: Database;
  readonly #schedules: KnownSchedule[];
  readonly #logger = new Logger(Schedules.name);
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  /** @throws JobsError `invalid-schedule` */
  constructor(database: Database, schedules: readonly Schedule[]) {
    this.#database = database;
    this.#schedules = schedules.map((schedule) => ({ ...schedule, times: timesOf(schedule), lookAt: 0 }));
    const names = schedules.map(({ name }) => name);
    if (new Set(names).size < names.length) throw new JobsError('invalid-schedule', `two schedules have one name: ${names.join(', ')}`);
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#look().finally(() => {
        this.#running = undefined;
      });
    }, intervalMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    for (const schedule of this.#schedules) {
      if (Date.now() < schedule.lookAt) continue;
      try {
        schedule.lookAt = Date.now() + Math.min(longestMs, await this.#runIfDue(schedule));
      } catch (error) {
        schedule.lookAt = Date.now() + 5000;
        this.#logger.warn({ msg: 'a schedule could not be looked at', schedule: schedule.name, err: error });
      }
    }
  }

  /** @returns milliseconds until it is due */
  async #runIfDue({ name, cron, job, payload, times }: KnownSchedule): Promise<number> {
    return this.#database.write(async (tx) => {
      const [{ now }] = await tx.query<[{ now: Date }]>('SELECT now()');
      await tx.query(
        `INSERT INTO outbox_schedules AS known (name, cron, next_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, next_at = excluded.next_at WHERE known.cron <> excluded.cron`,
        [name, cron, after(times, now)],
      );
      const [row] = await tx.query<{ next: Date }[]>('SELECT next_at AS next FROM outbox_schedules WHERE name = $1 FOR UPDATE SKIP LOCKED', [name]);
      if (!row) return intervalMs;
      if (row.next > now) return row.next.getTime() - now.getTime();
      await addMessage(tx, job, payload);
      const next = after(times, now);
      await tx.query('UPDATE outbox_schedules SET next_at = $2 WHERE name = $1', [name, next]);
      return next.getTime() - now.getTime();
    });
  }
}

function timesOf({ name, cron }: Schedule): Cron {
  try {
    return new Cron(cron, { timezone: 'UTC', paused: true });
  } catch (cause) {
    throw new JobsError('invalid-schedule', `${name}: "${cron}" is no schedule`, { cause });
  }
}

function after(times: Cron, moment: Date): Date {
  return times.nextRun(moment) ?? new Date(8_640_000_000_000_000);
}
