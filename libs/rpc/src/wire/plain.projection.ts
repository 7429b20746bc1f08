import { MisfitError } from './table.writer.ts';
import type { Layout } from './table.layout.ts';

/**
 * What a layout has of a value: the same members that a table would carry, for peers with another table. What the
 * contract does not name never leaves a service.
 *
 * @throws MisfitError
 */
export function project(layout: Layout, value: unknown): unknown {
  switch (layout.kind) {
    case 'nullable':
      return value === null ? null : project(layout.of, value);
    case 'list':
      if (!Array.isArray(value)) throw new MisfitError('a list');
      return value.map((item) => project(layout.of, item));
    case 'object': {
      if (typeof value !== 'object' || value === null) throw new MisfitError('an object');
      const members = layout.fields.flatMap(({ name, layout: of, optional }) => {
        const member = (value as Record<string, unknown>)[name];
        return optional && member === undefined ? [] : [[name, project(of, member)] as const];
      });
      return Object.fromEntries(members);
    }
    case 'choice':
      if (!layout.values.includes(value as string)) throw new MisfitError(`one of ${layout.values.join(', ')}`);
      return value;
    case 'text':
      if (typeof value !== 'string') throw new MisfitError('a text');
      return value;
    case 'number':
    case 'boolean':
      if (typeof value !== layout.kind) throw new MisfitError(`a ${layout.kind}`);
      return value;
    case 'plain':
      return value;
  }
}
