import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { newTraceId } from '@tenfold/telemetry';
import type { Positions, RequestContext } from '@tenfold/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a client may choose as its request id: it comes back in a header and goes into logs. */
const requestIdPattern = /^[\w.:-]{1,128}$/;

/** W3C Trace Context, level 1: version, trace id and parent id, none of them all ones or all zeros. */
const traceparentPattern = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/;

/** The context of one HTTP request. */
export class HttpContext implements RequestContext {
  readonly requestId: string;
  readonly traceId: string;
  readonly deadline: number;
  readonly positions: Positions = new Map();
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply, deadlineMs: number) {
    const { headers } = request;
    const requestId = headers['x-request-id'];
    this.requestId = typeof requestId === 'string' && requestIdPattern.test(requestId) ? requestId : randomUUID();
    const traceparent = headers['traceparent'];
    this.traceId = (typeof traceparent === 'string' && traceparentPattern.exec(traceparent)?.[1]) || newTraceId();
    this.deadline = Date.now() + deadlineMs;
    this.#response = reply.raw;
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
