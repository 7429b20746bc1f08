import type { FieldDef } from 'pg';
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
  /** The SQL with its name in front. */
  readonly text: string;
  /** The parameters have no trace at run time. */
  readonly parameters?: Parameters;
  /** Whether the server has said what the columns are. */
  readonly isDescribed: boolean;
  /** @throws TypeError when the server's columns are not those declared */
  describe(fields: readonly FieldDef[]): void;
  /** A row from the text of its columns, in the order in which they were described. */
  rowOf(values: readonly (string | null)[]): Row;
}

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
  let build: ((values: readonly (string | null)[]) => RowOf<C>) | undefined;
  return {
    name,
    text: `/* ${name} */ ${sql}`,
    get isDescribed() {
      return build !== undefined;
    },
    describe(fields) {
      build = builderOf(name, fields, columns);
    },
    rowOf(values) {
      if (!build) throw new TypeError(`statement ${name}: rows before their columns`);
      return build(values);
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
