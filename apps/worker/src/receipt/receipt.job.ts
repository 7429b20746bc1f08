import { Injectable } from '@nestjs/common';
import { accountsCalls, sendReceipt } from '@tenfold/contracts';
import type { Account, PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { BatchDelivery, BatchFailure } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { Mailer } from './mailer.ts';
import { receiptMail } from './receipt.mail.ts';

type Receipt = PayloadOf<typeof sendReceipt>;

/**
 * One mail per order, as far as SMTP allows: a mail that the server took before this process died, without the inbox
 * mark being committed, is sent again, under the same Message-ID. That can befall the mails of one batch, so batches are
 * small; their transaction stays open meanwhile, which the mailer's short time limits bound.
 */
@Injectable()
export class ReceiptJob {
  constructor(
    @InjectCalls(accountsCalls) private readonly accounts: CallClient<typeof accountsCalls>,
    private readonly mailer: Mailer,
  ) {}

  @Handles(sendReceipt, { batch: { size: 20, lingerMs: 200 } })
  async send(receipts: readonly Receipt[], _delivery: BatchDelivery): Promise<readonly BatchFailure[]> {
    const ids = [...new Set(receipts.map(({ accountId }) => accountId))];
    const { items } = await this.accounts.getAccounts({ ids });
    const accounts = new Map(items.map((account) => [account.id, account]));
    const results = await Promise.allSettled(receipts.map((receipt) => this.#mail(receipt, accounts.get(receipt.accountId))));
    return results.flatMap((result, index) => (result.status === 'rejected' ? [{ index, error: result.reason }] : []));
  }

  async #mail(receipt: Receipt, account: Account | undefined): Promise<void> {
    if (!account) throw new Error(`no account ${receipt.accountId}`);
    await this.mailer.send(receiptMail(receipt, account));
  }
}
