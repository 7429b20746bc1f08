import { Body, Controller, Post } from '@nestjs/common';
import { account, accountsCalls, newAccount } from '@tenfold/contracts';
import type { Account } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { z } from 'zod';
import { LimitedBy } from '../limits/limited-by.decorator.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { AllowedTo } from '../sessions/allowed-to.decorator.ts';

@Controller('v1/accounts')
export class AccountController {
  constructor(@InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>) {}

  @Post()
  @AllowedTo('anyone')
  @LimitedBy('log-in')
  @Documented({ summary: 'Sign up', answers: { 201: account }, problems: ['email-taken'] })
  signUp(@Body({ schema: newAccount }) body: z.output<typeof newAccount>): Promise<Account> {
    return this.accounts.signUp(body);
  }
}
