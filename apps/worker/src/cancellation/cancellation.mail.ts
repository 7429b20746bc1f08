import type { Account, PayloadOf, UnpaidReason, sendCancellation } from '@tenfold/contracts';
import { escapeHtml } from '../receipt/receipt.mail.ts';
import type { Mail } from '../receipt/mailer.ts';

const because: Readonly<Record<UnpaidReason, string>> = {
  'payment-declined': 'your payment was declined',
  'payment-timed-out': 'your payment could not be taken',
};

/** What a customer is told of an order that was not paid, as text and as HTML. */
export function cancellationMail({ orderId, reason }: PayloadOf<typeof sendCancellation>, { email, name }: Account): Mail {
  const told = `we had to cancel your order ${orderId}, because ${because[reason]}. Nothing was charged; what may have been is on its way back.`;
  return {
    id: `cancellation-${orderId}`,
    to: email,
    subject: `Your order ${orderId} is cancelled`,
    text: [`Dear ${name},`, '', told].join('\n'),
    html: `<p>Dear ${escapeHtml(name)},</p>\n<p>${told}</p>`,
  };
}
