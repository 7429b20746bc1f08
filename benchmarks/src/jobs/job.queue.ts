import type { Client } from 'pg';

/** A way to have work done in the background; every one of them has the same work done. */
export interface JobQueue {
  /** Adds jobs, kept on the disk when it resolves: what a request waits for. */
  add(numbers: readonly number[]): Promise<void>;
}

/** What each side is made from. */
export interface QueueSurroundings {
  /** Of the database for the effects, and for the queue where it has one there. */
  databaseUrl: string;
  /** Names the side's effects, topics and tables; letters and `_`. */
  name: string;
  /** Called with the jobs whose effect is committed, and that will not run again. */
  onHandled(numbers: readonly number[]): void;
  /** Called, where somebody asks for it and the side can tell, when the handler of a job begins. */
  onBegun?(number: number): void;
  onEnd(close: () => unknown): void;
}

/** Handlers at a time, wherever there is such a number. */
export const concurrency = 8;

/** Jobs that one transaction, command or request adds. */
export const perAdd = 100;

/** What a job carries beside its number: as much as an order's receipt does. */
export const note = 'of about the length of a receipt, '.repeat(20);

/** The effect of a job: one row. */
export const effectSql = (name: string) => `insert into effects_${name} (number) values ($1)`;
export const effectsSql = (name: string) => `insert into effects_${name} (number) select unnest($1::int[])`;

/** Lets whoever added jobs wait until so many are handled. */
export class Handled {
  #left = 0;
  #none = Promise.withResolvers<void>();

  /** @returns what resolves when all of them are handled */
  expect(count: number): Promise<void> {
    this.#left = count;
    this.#none = Promise.withResolvers();
    return this.#none.promise;
  }

  count(numbers: readonly number[]): void {
    this.#left -= numbers.length;
    if (this.#left <= 0) this.#none.resolve();
  }
}

/** How many jobs of a round had an effect, and how many effects there are. */
export async function effectsOf(client: Client, name: string, first: number, last: number): Promise<{ jobs: number; effects: number }> {
  const { rows } = await client.query<{ jobs: number; effects: number }>(
    `select count(distinct number)::int as jobs, count(*)::int as effects from effects_${name} where number between $1 and $2`,
    [first, last],
  );
  return rows[0] ?? { jobs: 0, effects: 0 };
}
