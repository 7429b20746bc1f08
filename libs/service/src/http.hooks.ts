import { Logger, ServiceUnavailableException } from '@nestjs/common';
import { counter, currentContext, gauge, histogram, inStatementBudget, runInContext, Span, startRootSpan } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Health } from './health.registry.ts';
import { HttpContext } from './http.context.ts';
import { endRequestSpan } from './http.span.ts';
import { Admission } from './load/admission.ts';
import type { Priority } from './load/admission.ts';

/** Milliseconds from which an answer is worth a line in the log. */
const slowAfterMs = 500;

/** Bytes of a refused body that are still read, and dropped, so that its sender can read the answer. */
const longestDropped = 1_048_576;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Statements that the route takes at most: those that the calls declare which it makes. Default 0; with more it fails, in production it is counted. */
    statements?: number;
  }
}

interface HookOptions {
  health: Health;
  deadlineMs: number;
  /** Whether every request is logged, not only those that failed or were slow. */
  logAll: boolean;
  priorityOf: (method: string, route: string) => Priority | 'exempt';
}

const CONTEXT = Symbol('request context');
/** When the request was admitted, in milliseconds; 0 once its place is free again. */
const ADMITTED = Symbol('admitted at');

type RequestWithContext = FastifyRequest & { [CONTEXT]?: RequestContext; [ADMITTED]?: number };

/**
 * Requests that are in work at once at the start, and however slow everything is: most of them wait for other services,
 * which have limits of their own. With 32, and 500 requests/s for a replica, a mean of 64 ms turned people away.
 */
const minInWork = 100;

/** Half a second is what a person hardly notices; a full machine falls behind by less, and catches up. */
const maxWaitMs = 500;

/** Gives every request its context, measures it, and logs those that failed or were slow. */
export function addRequestHooks(fastify: FastifyInstance, { health, deadlineMs, logAll, priorityOf }: HookOptions): void {
  const admission = new Admission({ kind: 'http', initial: minInWork, min: minInWork, maxWaitMs });
  const logger = new Logger('Http');
  const recorders = new Map<string, { observe(seconds: number): void }>();
  const duration = histogram({
    name: 'http_server_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['route', 'method', 'status'],
  });
  const refused = counter({
    name: 'http_server_refused_total',
    help: 'Requests that were turned away to protect the service: over a limit, or unavailable for now.',
    labelNames: ['reason'],
  });
  for (const reason of refusals.values()) refused.inc({ reason }, 0);
  let inFlight = 0;
  gauge({ name: 'http_server_in_flight', help: 'Requests without an answer yet.', collect: (metric) => metric.set(inFlight) });
  const observe = (request: FastifyRequest, reply: FastifyReply, status: string) => {
    const route = routeOf(request);
    const key = `${request.method} ${status} ${route}`;
    let recorder = recorders.get(key);
    if (!recorder) recorders.set(key, (recorder = duration.labels({ route, method: request.method, status })));
    recorder.observe(reply.elapsedTime / 1000);
  };
  const leave = (request: RequestWithContext, counts: boolean) => {
    const admittedAt = request[ADMITTED];
    if (!admittedAt) return;
    request[ADMITTED] = 0;
    admission.done(routeOf(request), performance.now() - admittedAt, counts);
  };
  fastify.decorateRequest(CONTEXT);
  fastify.decorateRequest(ADMITTED);

  fastify.addHook('onRequest', (request: RequestWithContext, reply, done) => {
    inFlight += 1;
    reply.raw.once('close', () => {
      inFlight -= 1;
      leave(request, false);
      // A client that leaves gets no response, and none of Fastify's hooks.
      if (reply.raw.writableFinished) return;
      observe(request, reply, 'aborted');
      if (context instanceof Span) endRequestSpan(context, request.method, routeOf(request), undefined);
    });
    const arrived = new HttpContext(request, reply, deadlineMs);
    const context = startRootSpan(request.method, 'server', arrived, { traceparent: arrived.traceparent }) ?? arrived;
    request[CONTEXT] = context;
    reply.header('x-request-id', context.requestId);
    runInContext(context, done);
  });

  // A body is read in the asynchronous context of its connection; from here on it is the request's again. Only now does
  // it take a place: a client that sends slowly must not keep others out.
  fastify.addHook('preValidation', (request: RequestWithContext, _reply, done) => {
    const context = request[CONTEXT];
    const answer = () => inStatementBudget(`${request.method} ${routeOf(request)}`, request.routeOptions.config.statements ?? 0, done);
    const start = () => {
      if (!context || currentContext() === context) answer();
      else runInContext(context, answer);
    };
    const priority = priorityOf(request.method, routeOf(request));
    if (priority === 'exempt') {
      start();
      return;
    }
    const admit = () => {
      request[ADMITTED] = performance.now();
      if (context?.cancelled) leave(request, false);
      start();
    };
    admission.admit(priority, admit, () => done(new ServiceUnavailableException('Too many requests at once.')));
  });

  fastify.addHook('onSend', (request: RequestWithContext, reply, payload, done) => {
    leave(request, reply.statusCode < 400);
    // Closed while its client still sends, a connection is reset, and the answer is lost with it; Fastify would close it.
    if (reply.statusCode === 413 && Number(request.headers['content-length']) <= longestDropped) reply.removeHeader('connection');
    // Keep-alive clients leave while there is still time, so that none meets a connection that is just being closed.
    if (health.phase === 'draining') reply.header('connection', 'close');
    done(null, payload);
  });

  fastify.addHook('onResponse', (request: RequestWithContext, reply, done) => {
    const route = routeOf(request);
    observe(request, reply, statusClass(reply));
    const reason = refusals.get(reply.statusCode);
    if (reason) refused.inc({ reason });

    const failed = reply.statusCode >= 500;
    const context = request[CONTEXT];
    if (context instanceof Span) endRequestSpan(context, request.method, route, reply.statusCode);
    if (logAll || failed || reply.elapsedTime > slowAfterMs) {
      const line = {
        msg: `${request.method} ${route} ${reply.statusCode}`,
        method: request.method,
        route,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
      };
      const write = () => (failed ? logger.warn(line) : logger.log(line));
      if (context) runInContext(context, write);
      else write();
    }
    done();
  });
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}

/** Statuses that say "not now" rather than what is wrong with the request. */
const refusals = new Map([
  [429, 'limit'],
  [503, 'unavailable'],
]);

function statusClass(reply: FastifyReply): string {
  return `${Math.floor(reply.statusCode / 100)}xx`;
}
