import { Controller } from '@nestjs/common';
import { inventoryCalls, ordersCalls } from '@tenfold/contracts';
import type { ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { allOf } from '@tenfold/database';
import { Answers, CallError, InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { PaymentRepository } from './payment.repository.ts';

const { settlePayments, cancelOrder } = ordersCalls.calls;

/** What of a checkout comes after its answer. */
@Controller()
export class PaymentHandler {
  constructor(
    private readonly payments: PaymentRepository,
    @InjectCalls(inventoryCalls) private readonly inventory: CallClient<typeof inventoryCalls>,
  ) {}

  @Answers(settlePayments)
  async settlePayments({ payments }: ValidRequestOf<typeof settlePayments>): Promise<ResponseOf<typeof settlePayments>> {
    const accepted = payments.filter(({ outcome }) => outcome === 'accepted');
    const unpaid = payments.filter(({ outcome }) => outcome !== 'accepted');
    // Whoever asks again after a failure finds the others settled.
    await allOf<unknown>([
      this.payments.confirm(accepted),
      ...unpaid.map(({ outcome, ...order }) => this.payments.refuse(order, outcome === 'declined' ? 'payment-declined' : 'payment-timed-out')),
    ]);
    return {};
  }

  @Answers(cancelOrder)
  async cancelOrder({ reason, ...order }: ValidRequestOf<typeof cancelOrder>): Promise<ResponseOf<typeof cancelOrder>> {
    const status = await this.payments.statusOf(order);
    if (!status) throw new CallError('not-found', `no order ${order.orderId} of this account`);
    if (status !== 'cancelling') return { status };
    await this.inventory.release({ orderId: order.orderId });
    await this.payments.cancel(order, reason);
    return { status: 'cancelled' };
  }
}
