import { z } from 'zod';
import { problemTypes } from './problem-types.ts';
import type { ProblemType } from './problem-types.ts';

/** One place of the request and what is wrong with it. */
export const invalidPlace = z.strictObject({
  pointer: z.string().optional().meta({ description: 'JSON pointer into the body, e.g. `#/items/0/quantity`' }),
  parameter: z.string().optional().meta({ description: 'Name of a query or path parameter' }),
  header: z.string().optional().meta({ description: 'Name of a header' }),
  detail: z.string(),
});
export type InvalidPlace = z.output<typeof invalidPlace>;

/** RFC 9457 problem details, as every refusal is answered. */
export const problemDetails = z.strictObject({
  type: z.string().meta({ description: 'Which problem it is, e.g. `/problems/out-of-stock`' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  requestId: z.string().optional().meta({ description: 'What to quote when asking for help' }),
  errors: z.array(invalidPlace).optional(),
});
export type ProblemDetails = z.output<typeof problemDetails>;

export interface ProblemOptions extends ErrorOptions {
  errors?: readonly InvalidPlace[];
  headers?: Readonly<Record<string, string>>;
}

/** Thrown to refuse a request; {@link ProblemFilter} answers it as problem details. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly type: ProblemType;
  readonly errors: readonly InvalidPlace[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(type: ProblemType, detail?: string, options: ProblemOptions = {}) {
    super(detail, options);
    this.type = type;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return problemTypes[this.type].status;
  }

  toDetails(requestId: string | undefined): ProblemDetails {
    return {
      type: `/problems/${this.type}`,
      title: problemTypes[this.type].title,
      status: this.status,
      ...(this.message !== '' && { detail: this.message }),
      ...(requestId !== undefined && { requestId }),
      ...(this.errors && { errors: [...this.errors] }),
    };
  }
}

/**
 * A 503 that says when to come back.
 *
 * @param retryAfterMs rounded up to whole seconds, at least 1
 */
export function retryLater(type: 'overloaded' | 'unavailable', retryAfterMs: number | undefined, cause: unknown): Problem {
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
  return new Problem(type, undefined, { headers: { 'retry-after': String(seconds) }, cause });
}
