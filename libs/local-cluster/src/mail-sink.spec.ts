import { once } from 'node:events';
import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import { expect, test } from 'vitest';
import { startMailSink } from './mail-sink.ts';

test('a mail sink counts mails by their Message-ID, which may be so long that it stands on a line of its own', async () => {
  const sink = await startMailSink();
  const transport = createTransport({ url: sink.url, pool: true, maxConnections: 2 });
  const mail = { from: 'shop@tenfold.test', to: 'somebody@tenfold.test', subject: 'Your order', html: '<p>.</p>', text: '.\r\n.\r\nMessage-ID: <forged@tenfold.test>' };
  const idOf = (n: number) => `${n % 2 ? 'receipt' : `cancellation-${'0'.repeat(50)}`}-${n}@tenfold.test`;
  const ids = Array.from({ length: 20 }, (_, index) => idOf(index % 15));
  await Promise.all(ids.map((id) => transport.sendMail({ ...mail, messageId: `<${id}>` })));
  expect(sink.copies.size).toBe(15);
  expect(sink.copies.get(idOf(4))).toBe(2);
  expect(sink.copies.get(idOf(5))).toBe(1);
  transport.close();
  await sink.close();
});

test('a client that dies in the middle of a mail ends nothing but that', async () => {
  const sink = await startMailSink();
  const dying = connect(Number(new URL(sink.url).port), '127.0.0.1');
  dying.write('EHLO there\r\nDATA\r\nMessage-ID: <lost@tenfold.test>\r\n');
  await once(dying, 'data');
  dying.resetAndDestroy();
  await once(dying, 'close');
  const transport = createTransport({ url: sink.url });
  await transport.sendMail({ from: 'shop@tenfold.test', to: 'somebody@tenfold.test', messageId: '<taken@tenfold.test>', text: '' });
  expect([...sink.copies.keys()]).toEqual(['taken@tenfold.test']);
  await sink.close();
});
