import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DatabaseError } from './database.error.ts';
import { hazardsOf } from './migration.lint.ts';
import type { HazardRule } from './migration.lint.ts';

export type Migration = new () => MigrationInterface;

/** A migration that knows what it does: rules it may break, each with the reason beside it. */
export interface AcceptingMigration extends MigrationInterface {
  readonly accepts?: readonly HazardRule[];
}

/**
 * The same migration, which is refused at the first statement that would go through or rewrite a large table under a
 * lock, or break the version of the service that still runs. Tables that the migration itself has made may be treated
 * as it likes.
 *
 * @param largeRows rows, by PostgreSQL's own estimate, from which a table is large; 0 makes every table large
 */
export function guarded(migration: Migration, largeRows: number): Migration {
  const Guarded = class extends migration {
    override async up(runner: QueryRunner): Promise<void> {
      const { accepts = [] } = this as AcceptingMigration;
      const existing = await rowsOfTables(runner);
      const query = runner.query.bind(runner);
      const checked = async (sql: string, ...rest: unknown[]) => {
        const concerned = [...existing].some(([table, rows]) => (rows > 0 || largeRows === 0) && sql.includes(table));
        if (!concerned) return query(sql, ...(rest as [unknown[]?]));
        for (const { rule, kind, table, advice } of await hazardsOf(sql)) {
          const rows = existing.get(table);
          if (rows === undefined || accepts.includes(rule as HazardRule)) continue;
          // What breaks the running version does so however few the rows are.
          if (rows < largeRows && (kind !== 'breaks' || rows === 0)) continue;
          throw new DatabaseError('unsafe-migration', `${migration.name} ${kind} ${table} (${rows} rows), rule ${rule}: ${advice}. Or list the rule in \`accepts\`.`);
        }
        return query(sql, ...(rest as [unknown[]?]));
      };
      runner.query = checked as QueryRunner['query'];
      try {
        await super.up(runner);
      } finally {
        runner.query = query;
      }
    }
  };
  // TypeORM orders and remembers migrations by the name of their class.
  Object.defineProperty(Guarded, 'name', { value: migration.name });
  return Guarded;
}

async function rowsOfTables(runner: QueryRunner): Promise<Map<string, number>> {
  const tables = (await runner.query(`
    select relname as name, greatest(reltuples, 0)::float8 as rows from pg_class
    where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace`)) as { name: string; rows: number }[];
  return new Map(tables.map(({ name, rows }) => [name, rows]));
}
