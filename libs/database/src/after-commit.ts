import type { EntityManager } from 'typeorm';

/** Gets the `Database` that wrote. */
type Callback = (database: { readonly name: string }) => void;

const callbacks = new WeakMap<EntityManager, Callback[]>();

/**
 * Runs `callback` once the transaction of `database.write` has committed; never when it is rolled back, and perhaps not
 * when the process dies in between: a hint (wake a relay, forget a cache entry), not a guarantee. It must not throw.
 */
export function afterCommit(tx: EntityManager, callback: Callback): void {
  const known = callbacks.get(tx);
  if (known) known.push(callback);
  else callbacks.set(tx, [callback]);
}

export function runAfterCommit(tx: EntityManager, database: { readonly name: string }): void {
  for (const callback of callbacks.get(tx) ?? []) callback(database);
}
