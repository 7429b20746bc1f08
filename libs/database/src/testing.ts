export { createTestDatabase } from './test-database.ts';
export type { TestDatabase, TestDatabaseOptions } from './test-database.ts';
export { disagreements } from './entity.agreement.ts';
export { planOf } from './query.plan.ts';
export { recordStatements } from './statement.recording.ts';
export type { RecordedStatement } from './statement.recording.ts';
export { runSql } from './run-sql.ts';
