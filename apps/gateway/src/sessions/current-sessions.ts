import { Injectable } from '@nestjs/common';
import { SessionStore } from '@tenfold/session';
import type { SessionAccount } from '@tenfold/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CurrentSession } from './current-session.ts';
import { SessionCookie } from './session.cookie.ts';

/** Begins and ends the session of a request and keeps its cookie in step. Each throws SessionError without the store. */
@Injectable()
export class CurrentSessions {
  constructor(
    private readonly store: SessionStore,
    private readonly cookie: SessionCookie,
  ) {}

  /** The session of the request; a visitor without one gets it now. */
  async begin(request: FastifyRequest, reply: FastifyReply): Promise<CurrentSession> {
    return request.currentSession ?? this.#take(request, reply, await this.store.create({ device: deviceOf(request) }));
  }

  /**
   * Puts the account into a session with a new id, so that an id known from before opens nothing; the cart stays.
   *
   * @param prove checks who it is; if all sessions of the account are ended meanwhile, its proof counts for nothing
   * @throws what `prove` throws; SessionError `session-ended`
   */
  async logIn(request: FastifyRequest, reply: FastifyReply, prove: () => Promise<SessionAccount>): Promise<CurrentSession> {
    const provedAt = await this.store.readClock();
    const { id, email, name, role } = await prove();
    const beginning = { account: { id, email, name, role }, device: deviceOf(request), provedAt };
    const current = request.currentSession;
    return this.#take(request, reply, await (current ? this.store.rotate(current.id, beginning) : this.store.create(beginning)));
  }

  /** Ends the session, if there is one, and removes the cookie. */
  async end(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.currentSession) await this.store.end(request.currentSession.id);
    request.currentSession = undefined;
    this.cookie.clear(reply);
  }

  #take(request: FastifyRequest, reply: FastifyReply, session: CurrentSession): CurrentSession {
    request.currentSession = session;
    this.cookie.write(reply, session.id);
    return session;
  }
}

/** What the client calls itself, so that its owner can tell sessions apart. */
function deviceOf(request: FastifyRequest): string {
  return request.headers['user-agent'] || 'unknown';
}
