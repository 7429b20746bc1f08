import type { z } from 'zod';

/** What one call between services promises; written once, read by the caller, the handler and the docs. */
export interface CallDefinition<
  Request extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
  ErrorCode extends string = string,
> {
  request: Request;
  response: Response;
  /** The refusals a caller must be ready for, beside those of the transport. A handler may throw no others. */
  errors: readonly ErrorCode[];
  /** Whether a second delivery has no second effect. Only such calls are retried. */
  idempotent: boolean;
  /** Milliseconds the call may take when the caller brings no earlier deadline. Default 2000. */
  deadlineMs?: number;
}

/** A {@link CallDefinition} that knows its service and its own name. */
export interface Call<
  Request extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
  ErrorCode extends string = string,
> extends Required<CallDefinition<Request, Response, ErrorCode>> {
  service: string;
  name: string;
}

type CallOf<Definition> =
  Definition extends CallDefinition<infer Request, infer Response, infer ErrorCode> ? Call<Request, Response, ErrorCode> : never;

/** All calls that one service answers. */
export interface CallContract<Calls extends Record<string, Call> = Record<string, Call>> {
  service: string;
  calls: Calls;
}

/**
 * Declares the calls of a service.
 *
 * @param service name of the app that answers, e.g. `catalog`
 * @param definitions each call under the name it has on the wire
 */
export function defineCalls<const Definitions extends Record<string, CallDefinition>>(
  service: string,
  definitions: Definitions,
): CallContract<{ [Name in keyof Definitions]: CallOf<Definitions[Name]> }> {
  const calls = Object.entries(definitions).map(([name, definition]) => [
    name,
    { deadlineMs: 2000, ...definition, service, name },
  ]);
  return { service, calls: Object.fromEntries(calls) };
}

/** What the caller hands over: the request before defaults are filled in. */
export type RequestOf<C extends Call> = z.input<C['request']>;
/** What the handler receives: the request as validated. */
export type ValidRequestOf<C extends Call> = z.output<C['request']>;
/** What the call returns. */
export type ResponseOf<C extends Call> = z.output<C['response']>;
/** The closed set of codes with which the handler may refuse. */
export type ErrorCodeOf<C extends Call> = C['errors'][number];
