import { Injectable } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { Problem } from './problem.ts';
import type { InvalidPlace } from './problem.ts';

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  /** Zod names unknown fields here, not in the path. */
  readonly keys?: readonly string[];
}

/** At most so many places are named: a hostile body could be wrong in thousands. */
const placesNamed = 20;

/**
 * Validates what `@Body`, `@Query` and `@Param` were given a schema for, as Nest's own pipe does, but tells which part
 * of the request is wrong where.
 */
@Injectable()
export class RequestValidationPipe implements PipeTransform {
  async transform(value: unknown, { schema, type }: ArgumentMetadata): Promise<unknown> {
    if (!schema || type === 'custom') return value;
    const result = await schema['~standard'].validate(value);
    if (result.issues) throw invalid(type, result.issues);
    const nul = pathToNul(result.value);
    if (nul) throw invalid(type, [{ message: 'must not hold NUL characters', path: nul }]);
    return result.value;
  }
}

function invalid(type: ArgumentMetadata['type'], issues: readonly Issue[]): Problem {
  const errors = issues.flatMap((issue) => placesOf(type, issue)).slice(0, placesNamed);
  return new Problem('invalid-request', undefined, { errors });
}

function placesOf(type: ArgumentMetadata['type'], { message, path = [], keys }: Issue): InvalidPlace[] {
  const parts = path.map((part) => String(typeof part === 'object' ? part.key : part));
  if (keys) return keys.map((key) => ({ ...place(type, [...parts, key]), detail: 'is not known' }));
  return [{ ...place(type, parts), detail: message }];
}

function place(type: ArgumentMetadata['type'], parts: readonly string[]): Omit<InvalidPlace, 'detail'> {
  if (type === 'body') return { pointer: `#${parts.map((part) => `/${escapePointer(part)}`).join('')}` };
  return parts[0] === undefined ? {} : { parameter: parts[0] };
}

/** RFC 6901, section 3; in a URI fragment, as RFC 9457 shows it. */
function escapePointer(part: string): string {
  return encodeURIComponent(part.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** PostgreSQL's text cannot hold NUL, so such a string is refused before it travels. Only for validated values: those are shallow. */
function pathToNul(value: unknown): string[] | undefined {
  if (typeof value === 'string') return value.includes('\0') ? [] : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, field] of Object.entries(value)) {
    const path = pathToNul(field);
    if (path) return [key, ...path];
  }
  return undefined;
}
