import type { PoolClient, QueryResult } from 'pg';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { DatabaseError, isConnectionFailure } from './database.error.ts';

/** In front of statements that end with the transaction's COMMIT. */
export const commitMark = '/* commit */';

/** What a statement returned. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/**
 * Runs `run` on one connection between `start` and what `finish` does; rolls back when either throws.
 *
 * @param start SQL that begins the transaction, and what goes with it in the same round trip
 * @param run gets the rows of each statement of `start` as well
 */
export async function inTransaction<Result>(
  dataSource: DataSource,
  start: string,
  run: (tx: EntityManager, started: readonly Rows[]) => Promise<Result>,
  finish: (client: PoolClient, tx: EntityManager) => Promise<void>,
): Promise<Result> {
  const runner = dataSource.createQueryRunner();
  try {
    const client = (await runner.connect()) as PoolClient;
    try {
      const started = [(await client.query(start)) as QueryResult | QueryResult[]].flat().map(({ rows }) => rows as Rows);
      setDepth(runner, 1);
      const result = await run(runner.manager, started);
      await finish(client, runner.manager);
      setDepth(runner, 0);
      return result;
    } catch (error) {
      setDepth(runner, 1);
      await runner.rollbackTransaction().catch(() => {});
      throw error;
    }
  } finally {
    await runner.release();
  }
}

/** How a transaction ends. */
export interface Ending {
  /** Statements that go with COMMIT: when one fails, the server leaves out what follows. */
  before?: string | undefined;
  /** Whether to ask for the LSN that a replica must have replayed to show what was written. */
  position: boolean;
}

/**
 * Commits and asks for the LSN in one round trip: a simple query may hold both. The LSN is taken after the commit record
 * is written; one taken inside the transaction could be passed by a replica before it.
 *
 * @returns the LSN; `0/0` without
 */
export async function commit(client: PoolClient, { before, position }: Ending): Promise<string> {
  const statements = ['COMMIT', ...(position ? ['SELECT pg_current_wal_insert_lsn()::text AS lsn'] : [])];
  if (before !== undefined) statements.unshift(`${commitMark} ${before}`);
  let results: QueryResult[];
  try {
    results = [(await client.query(statements.join('; '))) as QueryResult | QueryResult[]].flat();
  } catch (error) {
    if (!isConnectionFailure(error)) throw error;
    throw new DatabaseError('outcome-unknown', 'the connection broke during COMMIT', { cause: error });
  }
  const asked = (position ? results.pop() : undefined) as QueryResult<{ lsn: string }> | undefined;
  // COMMIT of a transaction in which a statement failed answers ROLLBACK, and no error.
  if (results.at(-1)?.command === 'ROLLBACK') {
    throw new Error('the transaction was rolled back: a statement in it had failed and its error was swallowed');
  }
  return asked?.rows[0]?.lsn ?? '0/0';
}

/**
 * Tells TypeORM of a transaction that it did not start itself (it has no read-only ones, and its commit takes a round
 * trip more), so that a transaction within becomes a savepoint.
 */
function setDepth(runner: QueryRunner, depth: 0 | 1): void {
  Object.assign(runner, { isTransactionActive: depth > 0, transactionDepth: depth });
}
