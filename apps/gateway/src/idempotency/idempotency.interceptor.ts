import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';
import { clientNetwork } from '../limits/client-address.ts';
import { Problem } from '../problems/problem.ts';
import { FirstAnswers } from './first-answers.ts';
import { Idempotent } from './idempotent.decorator.ts';
import { readIdempotencyKey } from './idempotency-key.ts';

/**
 * Answers the second request under an `Idempotency-Key` as the first one was, on routes that are {@link Idempotent}
 * (draft-ietf-httpapi-idempotency-key-header-07). A request that fails did nothing, and may be made again.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly answers: FirstAnswers,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (request.headers['idempotency-key'] === undefined || !this.reflector.get(Idempotent, context.getHandler())) return next.handle();
    return from(this.#once(request, http.getResponse<FastifyReply>(), next));
  }

  async #once(request: FastifyRequest, reply: FastifyReply, next: CallHandler): Promise<unknown> {
    const key = keyOf(request);
    const bodyHash = hash('sha256', JSON.stringify(request.body ?? null), 'base64url');
    const before = await this.answers.begin(key, bodyHash);
    if (before) {
      if (before.bodyHash !== bodyHash) throw new Problem('key-reused');
      if (!before.answer) throw new Problem('in-progress', undefined, { headers: { 'retry-after': '1' } });
      void reply.header('idempotency-replayed', 'true');
      if (before.answer.location !== undefined) void reply.header('location', before.answer.location);
      return before.answer.body;
    }
    try {
      const body: unknown = await lastValueFrom(next.handle());
      const location = reply.getHeader('location');
      await this.answers.finish(key, { bodyHash, answer: { body, ...(typeof location === 'string' && { location }) } });
      return body;
    } catch (error) {
      await this.answers.abandon(key);
      throw error;
    }
  }
}

/** Nobody meets a key of somebody else: not on another route, not of another account, or, before there is one, network. */
function keyOf(request: FastifyRequest): string {
  const account = request.currentSession?.session.account;
  const who = account ? account.id : clientNetwork(request.ip);
  return `${request.routeOptions.url}:${who}:${hash('sha256', readIdempotencyKey(request), 'base64url')}`;
}
