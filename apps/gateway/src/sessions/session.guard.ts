import { Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SessionError, SessionStore } from '@tenfold/session';
import { currentContext, raisePosition } from '@tenfold/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';
import { Problem } from '../problems/problem.ts';
import { readsPastSharedCaches } from './http-cache.ts';
import { AllowedTo } from './allowed-to.decorator.ts';
import type { Audience } from './allowed-to.decorator.ts';
import type { CurrentSession } from './current-session.ts';
import { SessionCookie } from './session.cookie.ts';

/** Cookies remembered as recently used; whoever falls out costs one round trip more. */
const mostRemembered = 10_000;

/** Finds the session of each request, in one round trip and only if it has a signed cookie, and keeps out whom the route does not allow. */
@Injectable()
export class SessionGuard implements CanActivate {
  /** Session cookies for which the idle time has begun anew within the last minute. */
  readonly #recentlyUsed: LRUCache<string, true>;

  constructor(
    private readonly reflector: Reflector,
    private readonly store: SessionStore,
    private readonly cookie: SessionCookie,
    @Inject(gatewayConfig) { SESSION_IDLE_SECONDS: idleSeconds }: GatewayConfig,
  ) {
    this.#recentlyUsed = new LRUCache({ max: mostRemembered, ttl: Math.min(60_000, idleSeconds * 100) });
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const audience = this.reflector.getAllAndOverride(AllowedTo, [context.getHandler(), context.getClass()]) ?? 'account';
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (audience === 'public' && !readsPastSharedCaches(request)) {
      this.#keepFromIdling(request);
      return true;
    }
    request.currentSession = await this.#find(request, context.switchToHttp().getResponse<FastifyReply>(), audience);
    if (audience === 'account' || audience === 'admin') refuseUnless(audience, request.currentSession);
    return true;
  }

  /** Looking around is use, too: now and then, and not waited for, since the answer does not depend on it. */
  #keepFromIdling(request: FastifyRequest): void {
    const signed = request.cookies[this.cookie.name];
    if (signed === undefined || this.#recentlyUsed.has(signed)) return;
    this.#recentlyUsed.set(signed, true);
    const cookie = this.cookie.read(request);
    if (cookie) void this.store.load(cookie.id).catch(() => undefined);
  }

  async #find(request: FastifyRequest, reply: FastifyReply, audience: Audience): Promise<CurrentSession | undefined> {
    const cookie = this.cookie.read(request);
    if (cookie === undefined) return undefined;
    const { id, outdated } = cookie;
    try {
      const session = await this.store.load(id);
      if (!session) return undefined;
      // What anyone may read can be kept by others, and a cookie must not be.
      if (outdated && audience !== 'anyone' && audience !== 'public') this.cookie.write(reply, id);
      const context = currentContext();
      if (context) for (const [database, lsn] of session.positions) raisePosition(context.positions, database, lsn);
      return { id, session };
    } catch (error) {
      if ((audience === 'public' || audience === 'anyone') && error instanceof SessionError) return undefined;
      throw error;
    }
  }
}

function refuseUnless(audience: 'account' | 'admin', current: CurrentSession | undefined): void {
  const account = current?.session.account;
  if (!account) throw new Problem('not-logged-in');
  if (audience === 'admin' && account.role !== 'admin') throw new Problem('forbidden');
}
