import { Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common';
import { SessionStore } from '@tenfold/session';
import type { Session, SessionAccount } from '@tenfold/session';
import { z } from 'zod';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { Problem } from '../problems/problem.ts';
import { CurrentAccount, CurrentSessionOf } from './current-session.ts';
import type { CurrentSession } from './current-session.ts';
import { listedSessions } from './session.view.ts';

const namedSession = z.strictObject({ id: z.string().min(1).max(64) });

/** All sessions of the account that is logged in. */
@Controller('v1/sessions')
export class SessionListController {
  constructor(
    private readonly store: SessionStore,
    @Inject(gatewayConfig) private readonly config: GatewayConfig,
  ) {}

  @Get()
  @Documented({ summary: 'List my sessions', answers: { 200: listedSessions } })
  async list(
    @CurrentAccount() account: SessionAccount,
    @CurrentSessionOf() current: CurrentSession,
  ): Promise<z.output<typeof listedSessions>> {
    const sessions = await this.store.list(account.id);
    return {
      items: sessions.map(({ handle, device, createdAt, lastUsedAt }) => ({
        id: handle,
        device,
        createdAt: createdAt.toISOString(),
        lastUsedAt: lastUsedAt.toISOString(),
        current: handle === current.session.handle,
      })),
      next: null,
    };
  }

  @Delete(':id')
  @HttpCode(204)
  @Documented({ summary: 'End one of my sessions', answers: { 204: null }, problems: ['not-found', 'log-in-again'] })
  async endOne(
    @CurrentAccount() account: SessionAccount,
    @CurrentSessionOf() { session }: CurrentSession,
    @Param({ schema: namedSession }) { id }: z.output<typeof namedSession>,
  ): Promise<void> {
    refuseUnlessFresh(session, this.config.SESSION_FRESH_SECONDS);
    if (!(await this.store.endOne(account.id, id))) throw new Problem('not-found', 'You have no such session.');
  }

  @Delete()
  @HttpCode(204)
  @Documented({ summary: 'End all my sessions but this one', answers: { 204: null }, problems: ['log-in-again'] })
  async endOthers(@CurrentAccount() account: SessionAccount, @CurrentSessionOf() current: CurrentSession): Promise<void> {
    refuseUnlessFresh(current.session, this.config.SESSION_FRESH_SECONDS);
    await this.store.endOthers(account.id, current.id);
  }
}

/** Whoever found an open browser must not lock its owner out (ASVS 5.0, 7.5.2). Both times are Redis' own. */
function refuseUnlessFresh({ createdAt, lastUsedAt }: Session, seconds: number): void {
  if (Number(lastUsedAt) - Number(createdAt) > seconds * 1000) throw new Problem('log-in-again');
}
