import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { EntitySchema } from 'typeorm';

interface DatabaseColumn {
  table: string;
  column: string;
  type: string;
  nullable: boolean;
  hasDefault: boolean;
}

/** Names that TypeORM and PostgreSQL have for the same type. */
const aliases: Readonly<Record<string, string>> = {
  int: 'integer',
  int4: 'integer',
  int8: 'bigint',
  varchar: 'character varying',
  bool: 'boolean',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
};

/**
 * Where entities and the migrated database do not agree: tables or columns that are missing, types and nullability that
 * differ, and columns that an insert would have to give but the entity does not know. For a test of each app.
 */
export async function disagreements(url: string, entities: readonly (Function | EntitySchema)[]): Promise<string[]> {
  const dataSource = new DataSource({ type: 'postgres', url, entities: [...entities], installExtensions: false });
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await dataSource.initialize();
    const { rows } = await client.query<DatabaseColumn>(`
      select table_name as table, column_name as column, data_type as type, is_nullable = 'YES' as nullable,
        column_default is not null or is_identity = 'YES' or is_generated = 'ALWAYS' as "hasDefault"
      from information_schema.columns where table_schema = current_schema()`);
    return dataSource.entityMetadatas.flatMap((entity) => {
      const columns = rows.filter(({ table }) => table === entity.tableName);
      if (columns.length === 0) return [`${entity.name}: there is no table ${entity.tableName}`];
      const found = entity.columns.flatMap((declared) => {
        const where = `${entity.name}.${declared.propertyName}`;
        const column = columns.find((candidate) => candidate.column === declared.databaseName);
        if (!column) return [`${where}: ${entity.tableName} has no column ${declared.databaseName}`];
        const type = dataSource.driver.normalizeType(declared);
        const problems: string[] = [];
        if ((aliases[type] ?? type) !== column.type) problems.push(`${where}: the entity says ${type}, the database ${column.type}`);
        if (declared.isNullable !== column.nullable) problems.push(`${where}: ${column.nullable ? 'may' : 'may not'} be null in the database`);
        return problems;
      });
      const unknown = columns
        .filter(({ column, nullable, hasDefault }) => !nullable && !hasDefault && !entity.columns.some(({ databaseName }) => databaseName === column))
        .map(({ column }) => `${entity.name}: an insert must give ${column}, which the entity does not know`);
      return [...found, ...unknown];
    });
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
    await client.end();
  }
}
