import { Injectable } from '@nestjs/common';
import { compensateOrder, ordersCalls, takePayment } from '@tenfold/contracts';
import type { PayloadOf, RequestOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { BatchDelivery, BatchFailure, UnmarkedDelivery } from '@tenfold/jobs';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { PaymentStandIn } from './payment.stand-in.ts';

type Settlement = RequestOf<typeof ordersCalls.calls.settlePayments>['payments'][number];

const attempts = takePayment.retryDelaysMs.length + 1;

/**
 * The steps of a checkout after its answer. Each can be done again: the provider knows a payment by its order's id, and
 * an order that is settled stays so; whoever dies between two steps is followed by a second delivery.
 */
@Injectable()
export class PaymentJob {
  constructor(
    private readonly provider: PaymentStandIn,
    @InjectCalls(ordersCalls) private readonly orders: CallClient<typeof ordersCalls>,
  ) {}

  /** Has orders paid. A provider that does not answer to the last attempt is given up: what it has taken after all goes back. */
  @Handles(takePayment, { batch: { size: 50, lingerMs: 100 } })
  async pay(payments: readonly PayloadOf<typeof takePayment>[], { messages }: BatchDelivery): Promise<readonly BatchFailure[]> {
    const answers = await this.provider.take(payments.map(({ orderId, amountCents }) => ({ key: orderId, amountCents })));
    const outcomes = new Map(answers.map(({ key, outcome }) => [key, outcome]));
    const settled: Settlement[] = [];
    const failures: BatchFailure[] = [];
    for (const [index, { orderId, accountId }] of payments.entries()) {
      const outcome = outcomes.get(orderId) ?? ((messages[index]?.attempt ?? 1) >= attempts ? 'unanswered' : undefined);
      if (outcome) settled.push({ orderId, accountId, outcome });
      else failures.push({ index, error: new Error('the payment provider did not answer') });
    }
    if (settled.length > 0) await this.orders.settlePayments({ payments: settled });
    return failures;
  }

  /** Without inbox, whose transaction would stay open over two calls: a second run finds nothing to do. */
  @Handles(compensateOrder, { inbox: false })
  async compensate({ orderId, accountId, reason }: PayloadOf<typeof compensateOrder>, _delivery: UnmarkedDelivery): Promise<void> {
    // The payment first: an order that is cancelled is not paid.
    await this.provider.cancel(orderId);
    await this.orders.cancelOrder({ orderId, accountId, reason });
  }
}
