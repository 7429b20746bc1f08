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
  /** Milliseconds the call may take when the caller brings no earlier deadline. Default 2000; of a stream 60,000. */
  deadlineMs?: number;
  /** Bytes of the longest request; a longer one is refused before it is sent, and before it is read. Default 65,536. */
  maxRequestBytes?: number;
  /** Bytes of the longest answer, or of the longest part of a stream. Default 1,048,576. */
  maxResponseBytes?: number;
  /**
   * Who is refused first by a service that has too much to do. Default `normal`; `low` for what a client can do
   * without for a minute, `high` for what everything else depends on, such as a log-in.
   */
  priority?: CallPriority;
  /**
   * Statements that an answer takes at most: those of its service, and those that the calls declare which it makes. Default
   * 0. With more it fails, in production it is counted. Not for streams.
   */
  statements?: number;
  /** The answer is any number of items, each by `response`, as the caller takes them. Default false. */
  stream?: boolean;
}

export type CallPriority = 'low' | 'normal' | 'high';

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
  Definition extends CallDefinition<infer Request, infer Response, infer ErrorCode>
    ? Call<Request, Response, ErrorCode> & { stream: Definition extends { stream: true } ? true : false }
    : never;

/** All calls that one service answers. */
export interface CallContract<Calls extends Record<string, Call> = Record<string, Call>> {
  service: string;
  calls: Calls;
}

const defaults = { maxRequestBytes: 65_536, maxResponseBytes: 1_048_576, priority: 'normal', statements: 0, stream: false } as const;

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
    { ...defaults, deadlineMs: definition.stream ? 60_000 : 2000, ...definition, service, name },
  ]);
  return { service, calls: Object.fromEntries(calls) };
}

/** What the caller hands over: the request before defaults are filled in. */
export type RequestOf<C extends Call> = z.input<C['request']>;
/** What the handler receives: the request as validated. */
export type ValidRequestOf<C extends Call> = z.output<C['request']>;
/** What the call returns. */
export type ResponseOf<C extends Call> = z.output<C['response']>;
/** What the handler returns: the response, or what yields the items of a stream. */
export type AnswerOf<C extends Call> = C['stream'] extends true
  ? AsyncIterable<ResponseOf<C>>
  : ResponseOf<C> | Promise<ResponseOf<C>>;
/** The closed set of codes with which the handler may refuse. */
export type ErrorCodeOf<C extends Call> = C['errors'][number];
