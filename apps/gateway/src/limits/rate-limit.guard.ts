import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.ts';
import { clientNetwork } from './client-address.ts';
import { LimitedBy } from './limited-by.decorator.ts';
import { RateLimits } from './rate-limits.ts';

const readOnly = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Refuses changing requests beyond the limit, by account, else by address. Reads are cached and cost too little to count. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly limits: RateLimits,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (readOnly.has(request.method)) return true;

    const name = this.reflector.get(LimitedBy, context.getHandler()) ?? 'changes';
    const account = name === 'changes' ? request.currentSession?.session.account : undefined;
    const { allowed, limit, remaining, resetSeconds } = await this.limits.consume(
      name,
      account ? `account:${account.id}` : `address:${clientNetwork(request.ip)}`,
    );
    // draft-ietf-httpapi-ratelimit-headers-10
    http.getResponse<FastifyReply>().headers({
      'ratelimit-policy': `"${name}";q=${limit};w=60`,
      ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
    });
    if (!allowed) throw new Problem('too-many-requests', undefined, { headers: { 'retry-after': String(resetSeconds) } });
    return true;
  }
}
