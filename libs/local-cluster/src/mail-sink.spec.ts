import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import { startMailSink } from './mail-sink.ts';

test('a mail sink counts mails by their Message-ID', async () => {
  const sink = await startMailSink();
  const transport = createTransport({ url: sink.url, pool: true, maxConnections: 2 });
  const mail = { from: 'shop@tenfold.test', to: 'somebody@tenfold.test', subject: 'Your order', html: '<p>.</p>', text: '.\r\n.\r\nMessage-ID: <forged@tenfold.test>' };
  const ids = Array.from({ length: 20 }, (_, index) => `receipt-${index % 15}@tenfold.test`);
  await Promise.all(ids.map((id) => transport.sendMail({ ...mail, messageId: `<${id}>` })));
  expect(sink.copies.size).toBe(15);
  expect(sink.copies.get('receipt-4@tenfold.test')).toBe(2);
  expect(sink.copies.get('receipt-5@tenfold.test')).toBe(1);
  transport.close();
  await sink.close();
});
