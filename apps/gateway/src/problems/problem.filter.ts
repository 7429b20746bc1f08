import { Catch, Logger, NotFoundException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { currentContext } from '@tenfold/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodsOf } from './known-routes.ts';
import { problemOfError } from './problem-of-error.ts';
import { Problem } from './problem.ts';

/** Answers everything that is thrown as RFC 9457 problem details; the log keeps the reason of what is our fault. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = error instanceof NotFoundException ? problemOfUnknownRoute(request) : problemOfError(error);

    if (problem.status === 500) this.#logger.error({ err: error, msg: 'request failed' });
    else if (problem.status > 500) this.#logger.warn({ err: error, msg: 'request could not be answered' });
    if (reply.sent) return;

    void reply
      .code(problem.status)
      .headers({ 'cache-control': 'no-store', ...problem.headers })
      .type('application/problem+json')
      .send(JSON.stringify(problem.toDetails(currentContext()?.requestId ?? request.id)));
  }
}

/** Nest throws NotFoundException only where no route fits; handlers throw a {@link Problem}. */
function problemOfUnknownRoute(request: FastifyRequest): Problem {
  const methods = methodsOf(request.server, request.url);
  if (methods.length === 0) return new Problem('not-found', 'There is nothing at this address.');
  return new Problem('method-not-allowed', `Known methods: ${methods.join(', ')}.`, { headers: { allow: methods.join(', ') } });
}
