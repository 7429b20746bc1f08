import { AsyncLocalStorage } from 'node:async_hooks';
import { DatabaseError } from './database.error.ts';

const reading = new AsyncLocalStorage<string>();

/** Runs `run`; whatever it starts may not begin a write, in any database. */
export function runReading<Result>(database: string, run: () => Result): Result {
  return reading.run(database, run);
}

/** @throws DatabaseError `write-within-read`: a read may be run a second time, and so would the write */
export function refuseWithinRead(database: string): void {
  const outer = reading.getStore();
  if (outer === undefined) return;
  throw new DatabaseError('write-within-read', `a write of ${database} within a read of ${outer}: write first, or after it`);
}
