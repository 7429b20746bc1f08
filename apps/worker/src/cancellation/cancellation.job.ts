import { Injectable } from '@nestjs/common';
import { accountsCalls, sendCancellation } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { Delivery } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { Mailer } from '../receipt/mailer.ts';
import { cancellationMail } from './cancellation.mail.ts';

/** Tells the customer that an order was cancelled; once, as far as a receipt is. */
@Injectable()
export class CancellationJob {
  constructor(
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
    private readonly mailer: Mailer,
  ) {}

  @Handles(sendCancellation)
  async send(cancellation: PayloadOf<typeof sendCancellation>, _delivery: Delivery): Promise<void> {
    const account = await this.accounts.getAccount({ id: cancellation.accountId });
    await this.mailer.send(cancellationMail(cancellation, account));
  }
}
