import type { EntityManager } from 'typeorm';

const statements = new WeakMap<EntityManager, string>();

/**
 * Adds statements to the transaction of `database.write` that go to the server with its COMMIT, in the same round trip.
 * When one fails, the transaction is rolled back and `write` throws what it failed with. Later calls add to earlier ones.
 *
 * @param sql without parameters; texts by `literal`
 */
export function beforeCommit(tx: EntityManager, sql: string): void {
  const earlier = statements.get(tx);
  statements.set(tx, earlier === undefined ? sql : `${earlier}; ${sql}`);
}

export function statementsBeforeCommit(tx: EntityManager): string | undefined {
  return statements.get(tx);
}
