import { z } from 'zod';

/** A list read from variables with a number in their name: `<PREFIX>_0_<SUFFIX>`, `<PREFIX>_1_<SUFFIX>`, … */
export interface NumberedSetting<Fields extends Record<string, NumberedField> = Record<string, NumberedField>> {
  readonly prefix: string;
  readonly fields: Fields;
}

export interface NumberedField {
  suffix: string;
  schema: z.ZodType;
}

/** What {@link loadConfig} takes: the name of a variable → its schema. */
export type ConfigShape = Record<string, z.ZodType | NumberedSetting>;

/** What {@link loadConfig} returns for a shape. */
export type ConfigOf<Shape extends ConfigShape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends z.ZodType<infer Value>
    ? Value
    : Shape[Name] extends NumberedSetting<infer Fields>
      ? readonly { readonly [Field in keyof Fields]: z.output<Fields[Field]['schema']> }[]
      : never;
};

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment does not hold what the service needs. `problems` names each wrong variable. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly { variable: string; expected: string }[]) {
    const width = Math.max(...problems.map((problem) => problem.variable.length));
    const lines = problems.map((problem) => `  ${problem.variable.padEnd(width)}  ${problem.expected}`);
    super(['Wrong or missing settings in the environment:', ...lines].join('\n'));
  }
}

/** Declares a list that is numbered from 0 without gaps and has at least one entry. */
export function numbered<const Fields extends Record<string, NumberedField>>(
  prefix: string,
  fields: Fields,
): NumberedSetting<Fields> {
  return { prefix, fields };
}

/**
 * Reads and validates settings. An empty variable counts as absent.
 *
 * @param shape one schema for each variable
 * @param environment default `process.env`
 * @throws ConfigurationError listing every wrong variable with what is expected; never its value, which may be secret
 */
export function readConfig<const Shape extends ConfigShape>(
  shape: Shape,
  environment: Environment = process.env,
): ConfigOf<Shape> {
  const problems: { variable: string; expected: string }[] = [];
  const read = (variable: string, schema: z.ZodType): unknown => {
    const text = environment[variable];
    const result = schema.safeParse(text === '' ? undefined : text);
    if (result.success) return result.data;
    const reasons = new Set(result.error.issues.map((issue) => describeIssue(issue)));
    const state = text === undefined || text === '' ? 'is missing: ' : '';
    problems.push({ variable, expected: state + [...reasons].join('; ') });
    return undefined;
  };
  const entries = Object.entries(shape).map(([name, setting]) => [
    name,
    setting instanceof z.ZodType ? read(name, setting) : readNumbered(setting, environment, read),
  ]);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return Object.freeze(Object.fromEntries(entries)) as ConfigOf<Shape>;
}

/**
 * {@link readConfig} for a `main.ts`: wrong settings are printed to standard error, without a stack, and the process
 * ends with 1.
 */
export function loadConfig<const Shape extends ConfigShape>(shape: Shape): ConfigOf<Shape> {
  try {
    return readConfig(shape);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function readNumbered(
  { prefix, fields }: NumberedSetting,
  environment: Environment,
  read: (variable: string, schema: z.ZodType) => unknown,
): unknown[] {
  const pattern = new RegExp(`^${prefix}_(\\d+)_`);
  const numbers = Object.keys(environment)
    .filter((variable) => environment[variable] !== '')
    .map((variable) => Number(pattern.exec(variable)?.[1] ?? -1));
  const count = Math.max(0, ...numbers) + 1;
  return Array.from({ length: count }, (_, number) =>
    Object.fromEntries(
      Object.entries(fields).map(([field, { suffix, schema }]) => [field, read(`${prefix}_${number}_${suffix}`, schema)]),
    ),
  );
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.length > 0 ? `entry ${issue.path.map(Number).map((index) => index + 1).join('.')}: ` : '';
  switch (issue.code) {
    case 'invalid_type':
      return `${place}expected ${issue.expected === 'number' || issue.expected === 'int' ? 'a whole number' : `a ${issue.expected}`}`;
    case 'too_small':
      return place + (issue.message.startsWith('Too small') ? `expected at least ${issue.minimum}` : `expected ${issue.message}`);
    case 'too_big':
      return `${place}expected at most ${issue.maximum}`;
    case 'invalid_value':
      return `${place}expected one of ${issue.values.join(', ')}`;
    default:
      return `${place}expected ${issue.message}`;
  }
}
