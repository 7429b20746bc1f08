import type { EntityManager } from 'typeorm';

/** What changes data, and what would hand out a manager that does. */
type Writing =
  | 'save'
  | 'insert'
  | 'update'
  | 'updateAll'
  | 'upsert'
  | 'delete'
  | 'deleteAll'
  | 'remove'
  | 'softRemove'
  | 'softDelete'
  | 'recover'
  | 'restore'
  | 'increment'
  | 'decrement'
  | 'clear'
  | 'transaction'
  | 'getRepository'
  | 'getTreeRepository'
  | 'getMongoRepository'
  | 'withRepository'
  | 'release'
  | 'queryRunner';

/**
 * TypeORM's entity manager without what writes. What types cannot see, such as SQL or the insert builder, is refused
 * by the server.
 */
export type Reader = Omit<EntityManager, Writing>;

/** The manager with a `query` that goes straight to a connection: TypeORM's own makes a query runner for each, which costs more than the rest of a read. */
export function withPlainQuery(manager: EntityManager, query: (sql: string, parameters?: unknown[]) => Promise<unknown[]>): Reader {
  return Object.assign(Object.create(manager) as EntityManager, { query }) as Reader;
}
