import type { z } from 'zod';

/**
 * How a value lies in a frame: what a schema says of names, order and kind, and nothing of limits, so that a limit can
 * change without a new table.
 */
export type Layout =
  | { kind: 'text' | 'number' | 'boolean' | 'plain' }
  /** One of a fixed set of texts, written as its place in the set. */
  | { kind: 'choice'; values: readonly string[] }
  /** `max` is the schema's limit on its length, where it has one; no part of the table's identity. */
  | { kind: 'list'; of: Layout; max?: number }
  | { kind: 'nullable'; of: Layout }
  | { kind: 'object'; fields: readonly Field[] };

export interface Field {
  name: string;
  layout: Layout;
  optional: boolean;
}

/** The parts of zod's definitions that matter here; https://zod.dev/packages/core documents them. */
interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  element?: z.ZodType;
  innerType?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
  entries?: Record<string, string | number>;
  values?: readonly unknown[];
  checks?: readonly { _zod: { def: { check: string; maximum?: number } } }[];
}

/**
 * Reads the layout off a schema.
 *
 * @param side a request travels as its `input`, before defaults and transforms; a response as its `output`
 * @throws TypeError for an object with a member called `__proto__`
 */
export function layoutOf(schema: z.ZodType, side: 'input' | 'output'): Layout {
  const definition = schema._zod.def as unknown as Definition;
  const inner = () => layoutOf(definition.innerType as z.ZodType, side);
  switch (definition.type) {
    case 'string':
      return { kind: 'text' };
    case 'number':
      return { kind: 'number' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'enum':
      return choiceOf(Object.values(definition.entries ?? {}));
    case 'literal':
      return choiceOf(definition.values ?? []);
    case 'array':
      return listOf(definition, side);
    case 'nullable':
      return { kind: 'nullable', of: inner() };
    case 'readonly':
    case 'nonoptional':
    case 'optional':
    case 'default':
    case 'prefault':
      return inner();
    case 'pipe':
      return layoutOf((side === 'input' ? definition.in : definition.out) as z.ZodType, side);
    case 'object':
      return objectOf(definition, side);
    default:
      return { kind: 'plain' };
  }
}

function listOf({ element, checks = [] }: Definition, side: 'input' | 'output'): Layout {
  const of = layoutOf(element as z.ZodType, side);
  const maxima = checks.flatMap(({ _zod: { def } }) => (def.check === 'max_length' && def.maximum ? [def.maximum] : []));
  return maxima.length > 0 ? { kind: 'list', of, max: Math.min(...maxima) } : { kind: 'list', of };
}

function choiceOf(values: readonly unknown[]): Layout {
  const texts = values.filter((value) => typeof value === 'string');
  return texts.length === values.length && texts.length > 0 ? { kind: 'choice', values: texts } : { kind: 'plain' };
}

function objectOf({ shape = {}, catchall }: Definition, side: 'input' | 'output'): Layout {
  // Members that no schema names can only travel as they are.
  if (catchall && (catchall._zod.def as Definition).type !== 'never') return { kind: 'plain' };
  const fields = Object.entries(shape).map(([name, schema]): Field => {
    if (name === '__proto__') throw new TypeError('a contract cannot have a member __proto__');
    const optional = side === 'input' ? schema._zod.optin : schema._zod.optout;
    return { name, layout: layoutOf(schema, side), optional: optional !== undefined };
  });
  return { kind: 'object', fields };
}
