import { Injectable } from '@nestjs/common';
import { accountsCalls, sendReceipt } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { Mailer } from './mailer.ts';
import { receiptMail } from './receipt.mail.ts';

/**
 * One mail per order, as far as SMTP allows: a mail that the server took before this process died, without the inbox
 * mark being committed, is sent again, under the same Message-ID. The mark's transaction stays open meanwhile, which the
 * mailer's short time limits bound.
 */
@Injectable()
export class ReceiptJob {
  constructor(
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
    private readonly mailer: Mailer,
  ) {}

  @Handles(sendReceipt)
  async send(receipt: PayloadOf<typeof sendReceipt>): Promise<void> {
    const account = await this.accounts.getAccount({ id: receipt.accountId });
    await this.mailer.send(receiptMail(receipt, account));
  }
}
