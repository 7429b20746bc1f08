import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { accountsCalls, credentials } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { LimitedBy } from '../limits/limited-by.decorator.ts';
import { LogInDelays } from '../limits/log-in-delays.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { Problem } from '../problems/problem.ts';
import { AllowedTo } from './allowed-to.decorator.ts';
import { CurrentSessionOf } from './current-session.ts';
import type { CurrentSession } from './current-session.ts';
import { CurrentSessions } from './current-sessions.ts';
import { sessionView, viewOf } from './session.view.ts';
import type { SessionView } from './session.view.ts';

/** The session that the request itself belongs to. */
@Controller('v1/session')
export class SessionController {
  constructor(
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
    private readonly sessions: CurrentSessions,
    private readonly delays: LogInDelays,
  ) {}

  @Post()
  @RouteConfig({ statements: 2 })
  @AllowedTo('visitor')
  @LimitedBy('log-in')
  @Documented({ summary: 'Log in', answers: { 201: sessionView }, problems: ['wrong-credentials'] })
  async logIn(
    @Body({ schema: credentials }) body: z.output<typeof credentials>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionView> {
    const session = await this.sessions.logIn(request, reply, async () => {
      await this.delays.attempt(body.email, request.ip);
      return this.accounts.checkPassword(body);
    });
    await this.delays.succeed(body.email, request.ip);
    return viewOf(session);
  }

  @Get()
  @Documented({ summary: 'Who am I', answers: { 200: sessionView } })
  show(@CurrentSessionOf() current: CurrentSession | undefined): SessionView {
    if (!current) throw new Problem('not-logged-in');
    return viewOf(current);
  }

  @Delete()
  @AllowedTo('visitor')
  @HttpCode(204)
  @Documented({ summary: 'Log out', answers: { 204: null } })
  async logOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    await this.sessions.end(request, reply);
  }
}
