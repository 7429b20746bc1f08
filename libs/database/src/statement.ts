import type { FieldDef, QueryArrayConfig } from 'pg';
import { types } from 'pg';

/** What a column of an answer is: PostgreSQL's types that fit, and how their text becomes a value. */
export interface Column<Value> {
  readonly expected: string;
  readonly oids: readonly number[];
  readonly parse: (text: string) => Value;
}

function column<Value>(expected: string, oids: readonly number[], parse: (text: string) => Value): Column<Value> {
  return { expected, oids, parse };
}

const asDate = types.getTypeParser(types.builtins.TIMESTAMPTZ) as (text: string) => Date;

export const int = column('smallint or integer', [types.builtins.INT2, types.builtins.INT4], Number);
/** A 64-bit integer that a number holds exactly. @throws RangeError beyond 2^53 */
export const bigint = column('bigint', [types.builtins.INT8], (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is too large for a number`);
  return value;
});
export const text = column('text, varchar, uuid or numeric', [types.builtins.TEXT, types.builtins.VARCHAR, types.builtins.UUID, types.builtins.NUMERIC], (value) => value);
export const boolean = column('boolean', [types.builtins.BOOL], (value) => value === 't');
export const instant = column('timestamptz', [types.builtins.TIMESTAMPTZ], asDate);
/** What the JSON holds is believed, not checked. */
export const json = <Value>(): Column<Value> => column('json or jsonb', [types.builtins.JSON, types.builtins.JSONB], (value) => JSON.parse(value) as Value);
/** The column may be null. */
export const nullable = <Value>({ expected, oids, parse }: Column<Value>): Column<Value | null> => column(`${expected}, or null`, oids, parse);

type Columns = Readonly<Record<string, Column<unknown>>>;

/** The rows of a statement with these columns. */
export type RowOf<C extends Columns> = { [Name in keyof C]: C[Name] extends Column<infer Value> ? Value : never };

/** A hot read: one SQL text with the columns it answers with. Make it once, at the top of a file. */
export interface Statement<Row, Parameters extends readonly unknown[] = readonly unknown[]> {
  readonly name: string;
  /** @param prepared whether the server keeps it, planned, under its name */
  config(parameters: Parameters, prepared: boolean): QueryArrayConfig;
  /** @throws TypeError when the server's columns are not those declared */
  rowsFrom(fields: readonly FieldDef[], values: readonly (readonly (string | null)[])[]): Row[];
}

/** Values arrive as text and each column parses its own. */
const asText = { getTypeParser: () => (value: string) => value };

/**
 * Declares a hot read, which `database.rows` runs without TypeORM. Its columns are checked against the server's answer
 * the first time, so a column that was renamed or has another type fails the first test that runs it.
 *
 * @param name unique in the database; it names the statement in metrics, logs and on the server
 * @param sql answers with exactly the columns declared, in any order
 */
export function statement<C extends Columns, Parameters extends readonly unknown[] = readonly unknown[]>(
  name: string,
  sql: string,
  columns: C,
): Statement<RowOf<C>, Parameters> {
  // pg copies what a query owns, by property descriptors: what is the same each time is inherited.
  const plain = { text: `/* ${name} */ ${sql}`, rowMode: 'array', types: asText } as const;
  const kept = { ...plain, name };
  let build: ((values: readonly (string | null)[]) => RowOf<C>) | undefined;
  return {
    name,
    config: (parameters, prepared) => Object.assign(Object.create(prepared ? kept : plain) as QueryArrayConfig, { values: [...parameters] }),
    rowsFrom(fields, values) {
      build ??= builderOf(name, fields, columns);
      return values.map(build);
    },
  };
}

function builderOf<C extends Columns>(name: string, fields: readonly FieldDef[], columns: C): (values: readonly (string | null)[]) => RowOf<C> {
  const problems = fields.flatMap((field) => {
    const declared = columns[field.name];
    if (!declared) return [`column "${field.name}" is not declared`];
    return declared.oids.includes(field.dataTypeID) ? [] : [`column "${field.name}" is not ${declared.expected} (type ${field.dataTypeID})`];
  });
  const missing = Object.keys(columns).filter((declared) => !fields.some((field) => field.name === declared));
  problems.push(...missing.map((declared) => `column "${declared}" is missing`));
  if (problems.length > 0) throw new TypeError(`statement ${name}: ${problems.join('; ')}`);
  const parsers = fields.map((field) => ({ name: field.name, parse: columns[field.name]?.parse ?? String }));
  const empty = Object.fromEntries(fields.map((field) => [field.name, null]));
  return (values) => {
    // A copy has the same hidden class for every row.
    const row: Record<string, unknown> = { ...empty };
    for (let index = 0; index < parsers.length; index += 1) {
      const value = values[index];
      const parser = parsers[index];
      if (parser && value !== null && value !== undefined) row[parser.name] = parser.parse(value);
    }
    return row as RowOf<C>;
  };
}
