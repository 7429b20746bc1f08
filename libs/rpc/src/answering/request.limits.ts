import type { z } from 'zod';
import { layoutOf } from '../wire/table.layout.ts';

/** Whether zod would accept a value and hand it on as it is. */
type Fits = (value: unknown) => boolean;

/** The parts of zod's definitions that matter here; https://zod.dev/packages/core documents them. */
interface Definition extends CheckDefinition {
  type: string;
  coerce?: boolean;
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  innerType?: z.ZodType;
  checks?: readonly { _zod: { def: CheckDefinition } }[];
}

interface CheckDefinition {
  check?: string;
  format?: string;
  pattern?: RegExp;
  minimum?: number;
  maximum?: number;
  value?: unknown;
  inclusive?: boolean;
  tx?: (value: unknown) => unknown;
}

/** Formats that zod checks by their pattern and by nothing else. */
const patterned = new Set(['regex', 'uuid', 'guid', 'email', 'date', 'datetime', 'lowercase', 'uppercase']);

const always: Fits = () => true;

/**
 * What of a schema a table does not check: a request that was read by a table has the members and kinds of its schema, so
 * its limits are all that is left. True means that zod would accept it and change nothing; false, that zod has to say. With
 * it a call takes three quarters of the CPU.
 *
 * @returns undefined for a schema of which any part is not known here, such as a refinement: zod has to say
 */
export function limitsOf(schema: z.ZodType): Fits | undefined {
  // A table carries it as JSON, of whatever kind.
  if (layoutOf(schema, 'input').kind === 'plain') return undefined;
  const definition = schema._zod.def as unknown as Definition;
  const own = kindOf(definition);
  // A format such as `z.uuid()` is kind and check in one.
  const checks = [definition, ...(definition.checks ?? []).map(({ _zod }) => _zod.def)].filter(({ check }) => check !== undefined);
  const limits = checks.map((check) => limitOf(check, definition.type));
  if (!own || limits.includes(undefined) || definition.coerce === true) return undefined;
  return both([own, ...(limits as Fits[])]);
}

function kindOf({ type, shape, element, innerType }: Definition): Fits | undefined {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'enum':
    case 'literal':
      return always;
    case 'number':
      return Number.isFinite;
    case 'array':
      return listOf(element as z.ZodType);
    case 'object':
      return objectOf(shape ?? {});
    case 'nullable':
      return unless(null, innerType as z.ZodType);
    case 'optional':
      // The default of what is within would take the place of one that is absent.
      return innerType?._zod.optin === 'defaulted' ? undefined : unless(undefined, innerType as z.ZodType);
    case 'default': {
      const inner = limitsOf(innerType as z.ZodType);
      return inner && ((value) => value !== undefined && inner(value));
    }
    default:
      return undefined;
  }
}

function limitOf({ check, format = '', pattern, minimum = 0, maximum = 0, value: bound, inclusive, tx }: CheckDefinition, type: string): Fits | undefined {
  switch (check) {
    case 'number_format':
      return format === 'safeint' ? Number.isSafeInteger : undefined;
    case 'greater_than':
      return typeof bound === 'number' ? (value) => (value as number) > bound || (inclusive === true && value === bound) : undefined;
    case 'less_than':
      return typeof bound === 'number' ? (value) => (value as number) < bound || (inclusive === true && value === bound) : undefined;
    case 'max_length':
      return (value) => (value as { length: number }).length <= maximum;
    case 'min_length': {
      // Characters beyond 16 bits count as one and are two.
      const enough = type === 'string' && minimum > 1 ? 2 * minimum : minimum;
      return (value) => (value as { length: number }).length >= enough;
    }
    case 'string_format':
      if (!pattern || !patterned.has(format) || pattern.global || pattern.sticky) return undefined;
      return (value) => pattern.test(value as string);
    case 'overwrite':
      return tx && ((value) => tx(value) === value);
    default:
      return undefined;
  }
}

function objectOf(shape: Record<string, z.ZodType>): Fits | undefined {
  const members = Object.entries(shape).map(([name, schema]) => ({ name, fits: limitsOf(schema) }));
  if (members.some(({ fits }) => !fits)) return undefined;
  const limited = members.filter(({ fits }) => fits !== always) as { name: string; fits: Fits }[];
  if (limited.length === 0) return always;
  return (value) => {
    for (const { name, fits } of limited) if (!fits((value as Record<string, unknown>)[name])) return false;
    return true;
  };
}

function listOf(element: z.ZodType): Fits | undefined {
  const fits = limitsOf(element);
  if (!fits || fits === always) return fits;
  return (value) => {
    for (const item of value as unknown[]) if (!fits(item)) return false;
    return true;
  };
}

function unless(absent: null | undefined, schema: z.ZodType): Fits | undefined {
  const inner = limitsOf(schema);
  if (!inner || inner === always) return inner;
  return (value) => value === absent || inner(value);
}

function both(all: readonly Fits[]): Fits {
  const limited = all.filter((fits) => fits !== always);
  const [first, second] = limited;
  if (!first) return always;
  if (!second) return first;
  return limited.length === 2 ? (value) => first(value) && second(value) : (value) => limited.every((fits) => fits(value));
}
