import type { Account, PayloadOf, sendReceipt } from '@tenfold/contracts';
import type { Mail } from './mailer.ts';

type Receipt = PayloadOf<typeof sendReceipt>;

/** The receipt of an order, as text and as HTML. */
export function receiptMail(receipt: Receipt, { email, name }: Account): Mail {
  const lines = receipt.lines.map(({ quantity, name: product, priceCents }) => ({
    quantity,
    product,
    amount: money(quantity * priceCents),
  }));
  const total = money(receipt.totalCents);
  const text = [
    `Dear ${name},`,
    '',
    `thank you for your order ${receipt.orderId}.`,
    '',
    ...lines.map(({ quantity, product, amount }) => `${quantity} x ${product}  ${amount}`),
    '',
    `Total: ${total}`,
  ].join('\n');
  const rows = lines.map(
    ({ quantity, product, amount }) =>
      `<tr><td>${quantity}</td><td>${escapeHtml(product)}</td><td style="text-align:right">${amount}</td></tr>`,
  );
  const html = `<p>Dear ${escapeHtml(name)},</p>
<p>thank you for your order ${receipt.orderId}.</p>
<table>${rows.join('')}<tr><td></td><th>Total</th><th style="text-align:right">${total}</th></tr></table>`;
  return { id: `receipt-${receipt.orderId}`, to: email, subject: `Your order ${receipt.orderId}`, text, html };
}

function money(cents: number): string {
  return `€ ${(cents / 100).toFixed(2)}`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For text between tags and within attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
