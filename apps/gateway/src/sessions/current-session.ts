import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Session, SessionAccount } from '@tenfold/session';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problems/problem.ts';

/** The session of a request together with its secret id. */
export interface CurrentSession {
  id: string;
  session: Session;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by {@link SessionGuard}; undefined for a stranger. */
    currentSession: CurrentSession | undefined;
  }
}

/** The {@link CurrentSession}, or undefined; for routes that are open to visitors. */
export const CurrentSessionOf = createParamDecorator((_: unknown, context: ExecutionContext) => requestOf(context).currentSession);

/** The account that is logged in. Answers 401 without one, so a route cannot be opened by mistake and still use it. */
export const CurrentAccount = createParamDecorator((_: unknown, context: ExecutionContext): SessionAccount => {
  const account = requestOf(context).currentSession?.session.account;
  if (!account) throw new Problem('not-logged-in');
  return account;
});

function requestOf(context: ExecutionContext): FastifyRequest {
  return context.switchToHttp().getRequest<FastifyRequest>();
}
