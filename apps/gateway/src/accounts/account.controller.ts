import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { account, accountsCalls, newAccount, pageNumber, uuid } from '@tenfold/contracts';
import type { Account } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { SessionStore } from '@tenfold/session';
import type { SessionAccount } from '@tenfold/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Idempotent } from '../idempotency/idempotent.decorator.ts';
import { LimitedBy } from '../limits/limited-by.decorator.ts';
import { LogInDelays } from '../limits/log-in-delays.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { integerOfText, pageQuery } from '../pages/page.query.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';
import { CurrentAccount } from '../sessions/current-session.ts';
import { CurrentSessions } from '../sessions/current-sessions.ts';

const namedAccount = z.strictObject({ id: uuid });
const accountQuery = z.strictObject({
  page: z.preprocess(integerOfText, pageNumber).optional().meta({ description: 'From 1, the default' }),
  limit: pageQuery.shape.limit,
});
const accountPage = accountsCalls.calls.listAccounts.response;
const accountChange = z.strictObject({ disabled: z.boolean() });
const passwordChange = accountsCalls.calls.changePassword.request.omit({ id: true });

@Controller('v1')
export class AccountController {
  constructor(
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
    private readonly store: SessionStore,
    private readonly sessions: CurrentSessions,
    private readonly delays: LogInDelays,
  ) {}

  @Post('accounts')
  @RouteConfig({ statements: 1 })
  @AllowedTo('anyone')
  @LimitedBy('log-in')
  @Idempotent(true)
  @Documented({ summary: 'Sign up', answers: { 201: account }, problems: ['email-taken'] })
  signUp(@Body({ schema: newAccount }) body: z.output<typeof newAccount>): Promise<Account> {
    return this.accounts.signUp(body);
  }

  @Put('account/password')
  @RouteConfig({ statements: 2 })
  @LimitedBy('log-in')
  @HttpCode(204)
  @Documented({
    summary: 'Change my password',
    description: 'Ends all my other sessions; this one gets a new id. When the answer does not arrive, ask again in the same words.',
    answers: { 204: null },
    problems: ['wrong-credentials'],
  })
  async changePassword(
    @CurrentAccount() { id, email }: SessionAccount,
    @Body({ schema: passwordChange }) body: z.output<typeof passwordChange>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    const renewed = await this.sessions.logIn(request, reply, async () => {
      await this.delays.attempt(email, request.ip);
      return this.accounts.changePassword({ id, ...body });
    });
    await this.delays.succeed(email, request.ip);
    await this.store.endOthers(id, renewed.id);
  }

  @Get('accounts')
  @RouteConfig({ statements: 2 })
  @AllowedTo('admin')
  @Documented({ summary: 'List all accounts by page number, the latest first', answers: { 200: accountPage } })
  list(@Query({ schema: accountQuery }) query: z.output<typeof accountQuery>): Promise<z.output<typeof accountPage>> {
    return this.accounts.listAccounts(query);
  }

  @Patch('accounts/:id')
  @RouteConfig({ statements: 2 })
  @AllowedTo('admin')
  @Documented({
    summary: 'Disable an account, or enable it again',
    description: 'Who is disabled is logged out everywhere and cannot log in.',
    answers: { 200: account },
    problems: ['not-found'],
  })
  async change(
    @Param({ schema: namedAccount }) { id }: z.output<typeof namedAccount>,
    @Body({ schema: accountChange }) { disabled }: z.output<typeof accountChange>,
  ): Promise<Account> {
    const changed = await this.accounts.setDisabled({ id, disabled });
    if (disabled) await this.store.endAll(id);
    return changed;
  }

  @Delete('accounts/:id/sessions')
  @AllowedTo('admin')
  @HttpCode(204)
  @Documented({ summary: 'Log an account out everywhere', answers: { 204: null } })
  async endSessions(@Param({ schema: namedAccount }) { id }: z.output<typeof namedAccount>): Promise<void> {
    await this.store.endAll(id);
  }
}
