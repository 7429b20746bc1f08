import { randomInt, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { archiveOrders, compensateOrder, ensureOrderPartitions, orderPlaced, sendCancellation, sendReceipt, takePayment } from '@tenfold/contracts';
import type { PayloadOf, Report } from '@tenfold/contracts';
import type { BatchDelivery, Progress, TrackedDelivery } from '@tenfold/jobs';
import { faultProxy } from '@tenfold/local-cluster/testing';
import type { FaultProxy } from '@tenfold/local-cluster/testing';
import { createContext, registry, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { PaymentJob } from './payment/payment.job.ts';
import { fateOf, paymentRules } from './payment/payment.rules.ts';
import type { Fate } from './payment/payment.rules.ts';
import { PaymentStandIn } from './payment/payment.stand-in.ts';
import { ReportHandler } from './report/report.handler.ts';
import { SalesRebuild } from './sales/sales.rebuild.ts';
import { emailOf, startWorker } from './worker.fixture.ts';
import type { WorkerFixture } from './worker.fixture.ts';

type Placed = PayloadOf<typeof orderPlaced>;

interface ReceivedMail {
  subject: string;
  text: string;
  html: string;
  headers: Record<string, string>;
}

let worker: WorkerFixture;
let smtp: FaultProxy;

beforeAll(async () => {
  smtp = await faultProxy(inject('servers').smtp);
  worker = await startWorker(smtp.url);
});
afterAll(async () => {
  await worker.close();
  await smtp.close();
});

// A consumer that joins its group takes a few seconds.
const patience = { timeout: 20_000, interval: 50 };

const line = (categoryId: number, quantity: number, priceCents: number, name = 'Lamp') => ({
  productId: categoryId,
  name,
  categoryId,
  quantity,
  priceCents,
});

function placed(values: Partial<Placed> = {}): Placed {
  const lines = values.lines ?? [line(1, 2, 1999)];
  return {
    orderId: randomUUID(),
    accountId: randomUUID(),
    totalCents: lines.reduce((total, { quantity, priceCents }) => total + quantity * priceCents, 0),
    lines,
    createdAt: '2026-03-05T23:59:59.999Z',
    ...values,
  };
}

/** What the account got, as the mail server kept it. */
async function mailsTo(accountId: string): Promise<ReceivedMail[]> {
  const url = new URL('/api/email', inject('servers').mail);
  url.searchParams.set('to.address', emailOf(accountId));
  const answer = await fetch(url);
  return (await answer.json()) as ReceivedMail[];
}

describe('a receipt', () => {
  async function firstMailTo(accountId: string): Promise<ReceivedMail> {
    await expect.poll(() => mailsTo(accountId), patience).toHaveLength(1);
    const [mail] = await mailsTo(accountId);
    if (!mail) throw new Error('no mail');
    return mail;
  }

  /** How many receipts have been put aside for another attempt. */
  async function retried(): Promise<number> {
    const metric = await registry.getSingleMetric('jobs_handled_total')?.get();
    const labels = { topic: sendReceipt.topic, outcome: 'retried' };
    return metric?.values.find((value) => isDeepStrictEqual({ ...value.labels }, labels))?.value ?? 0;
  }

  test('goes to the address of the account, as text and as HTML', async () => {
    const receipt = placed({ lines: [line(1, 2, 1999, 'Lamp <small> & "bright"'), line(2, 1, 5)] });
    await worker.send(sendReceipt, receipt);
    const mail = await firstMailTo(receipt.accountId);
    expect(mail.subject).toBe(`Your order ${receipt.orderId}`);
    expect(mail.text).toContain('2 x Lamp <small> & "bright"  € 39.98');
    expect(mail.text).toContain('Total: € 40.03');
    expect(mail.html).toContain('Dear Tom &amp; Cleo');
    expect(mail.html).toContain('Lamp &lt;small&gt; &amp; &quot;bright&quot;');
    expect(mail.html).toContain('€ 40.03');
  });

  test('has a Message-ID that a second mail for the order would have, too', async () => {
    const receipt = placed();
    await worker.send(sendReceipt, receipt);
    const mail = await firstMailTo(receipt.accountId);
    expect(mail.headers['message-id']).toBe(`<receipt-${receipt.orderId}@tenfold.test>`);
  });

  test('is mailed once for a message that is delivered twice', async () => {
    const receipt = placed();
    const later = placed();
    await worker.send(sendReceipt, receipt, { times: 2 });
    await worker.send(sendReceipt, later, { key: receipt.orderId });
    await firstMailTo(later.accountId);
    expect(await mailsTo(receipt.accountId)).toHaveLength(1);
  });

  test('is mailed later when the mail server is down', async () => {
    const receipt = placed();
    const before = await retried();
    await smtp.refuse();
    await worker.send(sendReceipt, receipt);
    await expect.poll(retried, patience).toBeGreaterThan(before);
    await smtp.heal();
    await firstMailTo(receipt.accountId);
  });
});

describe('the sales of a day', () => {
  let createdAt: string;
  let nextDay = Date.UTC(2000, 0, 1) - 1;

  // A day for each test, since other services' tests place orders today.
  beforeEach(() => {
    nextDay += 86_400_000;
    createdAt = new Date(nextDay).toISOString();
  });

  interface Sales {
    category_id: number;
    orders: number;
    units: number;
    revenue_cents: string;
  }

  const sales = () =>
    worker.query<Sales>(
      'select category_id, orders, units, revenue_cents from sales_by_day where day = $1 and generation = (select live from sales_generations) order by category_id',
      [createdAt.slice(0, 10)],
    );

  test('count an order once in each of its categories', async () => {
    await worker.send(orderPlaced, placed({ createdAt, lines: [line(9, 1, 100), line(3, 2, 50), line(9, 4, 25)] }));
    await expect.poll(sales, patience).toEqual([
      { category_id: 3, orders: 1, units: 2, revenue_cents: '100' },
      { category_id: 9, orders: 1, units: 5, revenue_cents: '200' },
    ]);
  });

  test('count an order once whose event is delivered three times', async () => {
    const order = placed({ createdAt, lines: [line(1, 1, 100)] });
    await worker.send(orderPlaced, order, { times: 3 });
    // The same account's next order is handled behind all three.
    await worker.send(orderPlaced, placed({ createdAt, accountId: order.accountId, lines: [line(2, 1, 100)] }));
    await expect.poll(sales, patience).toContainEqual(expect.objectContaining({ category_id: 2 }));
    expect(await sales()).toMatchObject([{ category_id: 1, orders: 1, units: 1 }, { category_id: 2 }]);
  });

  test('add up orders of many accounts that come at the same time', async () => {
    const lines = [line(2, 1, 10), line(1, 1, 20)];
    const orders = Array.from({ length: 40 }, (_, index) => placed({ createdAt, lines: index % 2 ? lines : lines.toReversed() }));
    await Promise.all(orders.map((order) => worker.send(orderPlaced, order)));
    await expect.poll(sales, patience).toMatchObject([
      { category_id: 1, orders: 40, revenue_cents: '800' },
      { category_id: 2, orders: 40, revenue_cents: '400' },
    ]);
  });
});

describe('a report', () => {
  const accountId = randomUUID();
  let reports: ReportHandler;

  beforeAll(async () => {
    reports = worker.module.get(ReportHandler);
    await worker.query(`insert into sales_by_day values
      ('2004-12-31', 1, 7, 7, 700), ('2005-01-01', 2, 1, 2, 5), ('2005-01-31', 2, 2, 3, 9000000000000000),
      ('2005-01-31', 1, 1, 1, 250), ('2005-03-15', 2, 4, 5, 600), ('2005-04-01', 1, 9, 9, 900)`);
  });

  function inSession<Result>(run: () => Promise<Result>): Promise<Result> {
    return runInContext(createContext(), run);
  }

  const read = (id: string) => inSession(() => reports.getReport({ accountId, id }));

  /** The file of a report once it is done. */
  async function build(report: { kind: Report['kind']; from: string; to: string }): Promise<string> {
    const { id } = await inSession(() => reports.createReport({ accountId, report }));
    await expect.poll(() => read(id), patience).toMatchObject({ state: 'done', progress: 100 });
    const { file } = await read(id);
    return gunzipSync(await readFile(join(worker.objectStore, file ?? ''))).toString();
  }

  test('waits first, and is shown to its session at once', async () => {
    await inSession(async () => {
      const period = { kind: 'sales-by-month', from: '2005-01-01', to: '2005-01-31' } as const;
      const created = await reports.createReport({ accountId, report: period });
      expect(created).toMatchObject({ ...period, state: 'waiting', progress: 0, file: null });
      expect(await reports.getReport({ accountId, id: created.id })).toMatchObject({ ...period, createdAt: created.createdAt });
    });
  });

  test('sums by category, both ends of its period included', async () => {
    expect(await build({ kind: 'sales-by-category', from: '2005-01-01', to: '2005-03-15' })).toBe(
      ['category,orders,units,revenue', '1,1,1,2.50', '2,7,10,90000000000006.05', ''].join('\n'),
    );
  });

  test('sums by month and category', async () => {
    expect(await build({ kind: 'sales-by-month', from: '2005-01-02', to: '2005-03-31' })).toBe(
      ['month,category,orders,units,revenue', '2005-01,1,1,1,2.50', '2005-01,2,2,3,90000000000000.00', '2005-03,2,4,5,6.00', ''].join('\n'),
    );
  });

  test('of all time takes as long as the sales do', async () => {
    const text = await build({ kind: 'sales-by-month', from: '0001-01-01', to: '9999-12-31' });
    const months = text.split('\n').map((row) => row.slice(0, 7));
    expect(months.filter((month) => month.startsWith('200') && month > '2004')).toEqual(['2004-12', '2005-01', '2005-01', '2005-03', '2005-04']);
  });

  test('without sales has a heading only', async () => {
    expect(await build({ kind: 'sales-by-category', from: '1999-01-01', to: '1999-06-30' })).toBe('category,orders,units,revenue\n');
  });

  test('can be cancelled until it has ended', async () => {
    const report = { kind: 'sales-by-hour', from: '2005-01-01', to: '2005-12-31' } as const;
    await inSession(async () => {
      const { id } = await reports.createReport({ accountId, report });
      expect(await reports.cancelReport({ accountId, id })).toMatchObject({ id, state: 'cancelled', file: null });
      expect(await reports.cancelReport({ accountId, id })).toMatchObject({ state: 'cancelled' });
      await expect(reports.cancelReport({ accountId: randomUUID(), id })).rejects.toMatchObject({ code: 'not-found' });
    });
    const { id } = await inSession(() => reports.createReport({ accountId, report }));
    await expect.poll(() => read(id), patience).toMatchObject({ state: 'done' });
    await expect(inSession(() => reports.cancelReport({ accountId, id }))).rejects.toMatchObject({ code: 'report-over' });
  });

  test('of another account is not found', async () => {
    await inSession(async () => {
      const { id } = await reports.createReport({ accountId, report: { kind: 'sales-by-month', from: '2005-01-01', to: '2005-01-31' } });
      await expect(reports.getReport({ accountId: randomUUID(), id })).rejects.toMatchObject({ code: 'not-found' });
    });
  });

  test('leaves neither row nor job when it cannot be committed', async () => {
    await worker.query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused by the test'; end $$;
       create constraint trigger refuse after insert on outbox initially deferred for each row execute function refuse()`,
    );
    const other = randomUUID();
    const report = { kind: 'sales-by-month', from: '2005-01-01', to: '2005-01-31' } as const;
    await expect(inSession(() => reports.createReport({ accountId: other, report }))).rejects.toThrow('refused by the test');
    await worker.query('drop function refuse cascade');
    expect(await worker.query('select from reports where account_id = $1', [other])).toEqual([]);
  });
});

describe('sales built anew', () => {
  const lines = [line(5, 2, 100), line(6, 1, 50)];
  // A year of its own, since a run that broke off may have left events behind.
  const year = randomInt(2100, 9000);
  const orderOf = (index: number) => placed({ createdAt: new Date(Date.UTC(year, 0, 1) + index * 3_600_000).toISOString(), lines });

  const delivery = (saved: Progress[], checkpoint: unknown = null): TrackedDelivery => ({
    signal: new AbortController().signal,
    messageId: randomUUID(),
    attempt: 1,
    checkpoint,
    save: async (progress) => void saved.push(progress),
  });

  async function sendAll(orders: readonly Placed[]): Promise<void> {
    for (const order of orders) await worker.send(orderPlaced, order);
  }

  const live = '(select live from sales_generations)';
  const counted = async (table: string) => {
    const [row] = await worker.query<{ orders: number }>(
      `select coalesce(sum(orders), 0)::int as orders from ${table} where generation = ${live} and ${table === 'sales_by_day' ? 'day' : 'hour'} between '${year}-01-01' and '${year}-12-31'`,
    );
    return row?.orders;
  };

  test('hold each order once, whether the history, an event or both tell of it, and take the place of the others at once', async () => {
    const history = Array.from({ length: 1000 }, (_, index) => orderOf(index));
    const handledBefore = history.slice(0, 100);
    const handledMeanwhile = [...history.slice(950), ...Array.from({ length: 50 }, (_, index) => orderOf(2000 + index))];
    worker.orders.placed = history;
    await sendAll(handledBefore);
    await expect.poll(() => counted('sales_by_hour'), patience).toBe(200);

    // Whoever reads meanwhile sees the sums before, with what events added to them, or those after; the latter are more.
    const seen: number[] = [];
    let sent = Promise.resolve();
    worker.orders.onPart = async (part) => {
      if (part === 2) sent = sendAll(handledMeanwhile);
      seen.push((await counted('sales_by_hour')) ?? 0);
    };
    const saved: Progress[] = [];
    expect(await worker.module.get(SalesRebuild).rebuild({}, delivery(saved))).toEqual({ orders: 1000 });
    await sent;
    await expect.poll(() => counted('sales_by_hour'), patience).toBe(2 * 1050);
    expect(await counted('sales_by_day')).toBe(2 * 1050);
    expect(Math.max(...seen)).toBeLessThanOrEqual(2 * 200);
    expect(saved.at(-1)).toMatchObject({ done: 1000, total: 1000 });
  });

  test('go on where a process died', async () => {
    worker.orders.placed = Array.from({ length: 600 }, (_, index) => orderOf(index));
    const saved: Progress[] = [];
    const dying: TrackedDelivery = {
      ...delivery(saved),
      save: async (progress) => {
        if (progress.done > 200) throw new Error('killed');
        saved.push(progress);
      },
    };
    worker.orders.onPart = () => undefined;
    await expect(worker.module.get(SalesRebuild).rebuild({}, dying)).rejects.toThrow('killed');
    const reached = saved.at(-1)?.checkpoint;
    expect(reached).toMatchObject({ done: 200 });
    await worker.module.get(SalesRebuild).rebuild({}, delivery([], reached));
    // Of the orders that events told of, the history does not know any more here.
    expect(await counted('sales_by_hour')).toBe(1200);
  });
});

describe('a payment', () => {
  const rules = paymentRules('decline=0.2,lose=0.2,double=0.2,silent=0.1');
  /** An order whose payment has that fate. */
  function orderFated(fate: Fate): PayloadOf<typeof takePayment> {
    for (;;) {
      const orderId = randomUUID();
      if (fateOf(orderId, rules) === fate) return { orderId, accountId: randomUUID(), amountCents: 100 };
    }
  }
  const booked = async (key: string) => {
    const [entry] = await worker.query<{ state: string; asked: number }>('select state, asked from stand_in_payments where key = $1', [key]);
    return entry;
  };
  const settled = (orderId: string) => worker.orders.settled.get(orderId) ?? [];

  test.each([
    ['accept', 'accepted', 1],
    ['double', 'accepted', 1],
    ['decline', 'declined', 1],
    ['lose', 'accepted', 2],
  ] as const)('with the fate "%s" is settled as %s', async (fate, outcome, asked) => {
    const order = orderFated(fate);
    await worker.send(takePayment, order);
    await expect.poll(() => settled(order.orderId), patience).toEqual([outcome]);
    expect(await booked(order.orderId)).toEqual({ state: outcome, asked });
  });

  test('that is never answered is given up with the last attempt', async () => {
    const { orderId, ...order } = orderFated('silent');
    const messages = [{ messageId: randomUUID(), attempt: takePayment.retryDelaysMs.length }];
    const delivery = { signal: new AbortController().signal, messages } as unknown as BatchDelivery;
    const job = worker.module.get(PaymentJob);
    expect(await job.pay([{ orderId, ...order }], delivery)).toMatchObject([{ index: 0 }]);
    expect(settled(orderId)).toEqual([]);
    messages[0]!.attempt += 1;
    expect(await job.pay([{ orderId, ...order }], delivery)).toEqual([]);
    expect(settled(orderId)).toEqual(['unanswered']);
  });

  test('that was taken goes back when its order is given up, and one that comes late is declined', async () => {
    const [taken, late] = [orderFated('accept'), orderFated('accept')];
    const provider = worker.module.get(PaymentStandIn);
    await provider.take([{ key: taken.orderId, amountCents: 100 }]);
    for (const { orderId, accountId } of [taken, late]) {
      await worker.send(compensateOrder, { orderId, accountId, reason: 'payment-timed-out' }, { times: 2 });
      await expect.poll(() => worker.orders.cancelled, patience).toContain(orderId);
    }
    expect(await booked(taken.orderId)).toMatchObject({ state: 'refunded' });
    expect(await provider.take([{ key: late.orderId, amountCents: 100 }])).toEqual([{ key: late.orderId, outcome: 'declined' }]);
    expect(await booked(late.orderId)).toMatchObject({ state: 'voided' });
  });

  test('that failed is told to the customer', async () => {
    const accountId = randomUUID();
    await worker.send(sendCancellation, { orderId: randomUUID(), accountId, reason: 'payment-declined' });
    await expect.poll(() => mailsTo(accountId), patience).toMatchObject([{ text: expect.stringContaining('your payment was declined') as string }]);
  });
});

describe('the upkeep', () => {
  test('has the partitions of the coming months made', async () => {
    await worker.send(ensureOrderPartitions, {});
    await expect.poll(() => worker.orders.monthsAhead, patience).toContain(3);
  });

  test('has old orders archived', async () => {
    await worker.send(archiveOrders, {});
    await expect.poll(() => worker.orders.archived, patience).toBe(1);
  });

  test('is due once a day, whatever replicas there are', async () => {
    const known = () => worker.query<{ name: string; due: string }>(`select name, to_char(next_at at time zone 'UTC', 'HH24:MI') as due from outbox_schedules order by name`);
    await expect.poll(known, patience).toEqual([{ name: 'archive-orders', due: '02:40' }, { name: 'order-partitions', due: '02:10' }]);
  });
});
