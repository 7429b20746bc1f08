import type { z } from 'zod';

/** What a schema says of itself, as far as samples depend on it. */
interface Definition {
  type: string;
  format?: string;
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  innerType?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
  entries?: Record<string, string>;
  values?: readonly unknown[];
  checks?: readonly { _zod: { def: { check: string; format?: string; minimum?: number; value?: number } } }[];
}

const ofFormat: Record<string, string> = {
  uuid: '018f3c5e-7d1a-7b3c-9e4f-0a1b2c3d4e5f',
  email: 'someone@example.com',
  datetime: '2026-11-22T10:00:00.000Z',
  date: '2026-11-22',
};

/** A value that fits a schema, the same at every time. */
export function sampleOf(schema: z.ZodType): unknown {
  const definition = schema._zod.def as unknown as Definition;
  const limits = (definition.checks ?? []).map(({ _zod: { def } }) => def);
  switch (definition.type) {
    case 'string': {
      const format = definition.format ?? limits.find((limit) => limit.format !== undefined)?.format;
      if (format && ofFormat[format]) return ofFormat[format];
      const example = (schema as z.ZodString).meta()?.['example'];
      if (example !== undefined) return example;
      return 'sample'.padEnd(Math.max(8, ...limits.map(({ minimum = 0 }) => minimum)), '-');
    }
    case 'number':
      return Math.max(7, ...limits.map(({ value = 0, check }) => (check === 'greater_than' ? value : 0)));
    case 'boolean':
      return true;
    case 'enum':
      return Object.values(definition.entries ?? {})[0];
    case 'literal':
      return definition.values?.[0];
    case 'array':
      return [sampleOf(definition.element as z.ZodType)];
    case 'object':
      return Object.fromEntries(Object.entries(definition.shape ?? {}).map(([name, member]) => [name, sampleOf(member)]));
    case 'pipe':
      return sampleOf(definition.out as z.ZodType);
    default:
      if (definition.innerType) return sampleOf(definition.innerType);
      throw new Error(`no sample of a ${definition.type}`);
  }
}
