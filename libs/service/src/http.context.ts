import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { newTraceId, parseTraceparent } from '@tenfold/telemetry';
import type { Positions, RequestContext } from '@tenfold/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a client may choose as its request id: it comes back in a header and goes into logs. */
const requestIdPattern = /^[\w.:-]{1,128}$/;

/** Such as balancers give; its digits are the trace id, so that whoever has the one finds the other. */
const uuidPattern = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** The context of one HTTP request. */
export class HttpContext implements RequestContext {
  readonly requestId: string;
  /** As it came in, if it did. */
  readonly traceparent: string | undefined;
  readonly deadline: number;
  readonly positions: Positions = new Map();
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;
  #traceId: string | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply, deadlineMs: number) {
    const { headers } = request;
    const requestId = headers['x-request-id'];
    this.requestId = typeof requestId === 'string' && requestIdPattern.test(requestId) ? requestId : randomUUID();
    const { traceparent } = headers;
    this.traceparent = typeof traceparent === 'string' ? traceparent : undefined;
    this.deadline = Date.now() + deadlineMs;
    this.#response = reply.raw;
  }

  /** Made when first asked for: by calls, spans and lines of the log, of which most requests have none. */
  get traceId(): string {
    return (this.#traceId ??= parseTraceparent(this.traceparent)?.traceId ?? traceIdFrom(this.requestId));
  }

  get cancelled(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController();
      const response = this.#response;
      const abortIfUnfinished = () => {
        if (!response.writableFinished) controller.abort();
      };
      if (response.destroyed) abortIfUnfinished();
      else response.once('close', abortIfUnfinished);
      this.#controller = controller;
    }
    return this.#controller.signal;
  }
}

function traceIdFrom(requestId: string): string {
  return uuidPattern.test(requestId) ? requestId.replaceAll('-', '') : newTraceId();
}
