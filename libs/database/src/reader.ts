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
