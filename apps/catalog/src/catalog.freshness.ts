import { currentContext } from '@tenfold/telemetry';

/** Name of the database: under it a context keeps the position that this service's writes have raised. */
export const databaseName = 'catalog';

/*
 * How fresh an answer is. A change is forgotten by the caches right after its commit, but a load that follows may read a
 * replica which does not have it yet, and may be any session's. So:
 * - Who made the change reads past the caches, from a node at or past its position, for as long as the session keeps
 *   that position: never an old price. Few do (admins), so the caches lose next to nothing.
 * - For everybody else an old value is short-lived. After a forget the cache keeps nothing in Redis, and what it loads
 *   no longer than that in memory, for 2 s; a replica that lags more than `maximumLagMs`, which is less, gets no reads.
 *   So what is loaded once the 2 s are over has the change.
 */
export const maximumLagMs = 1_000;

/** Whether the session on whose behalf we answer has changed the catalog. */
export function hasChangedCatalog(): boolean {
  return currentContext()?.positions.has(databaseName) ?? false;
}
