import { randomInt } from 'node:crypto';
import type { ReceivedSpan } from '@tenfold/local-cluster/testing';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { demoCredentials, logIn, placeOrder } from './shop.fixture.ts';

const { spans: receiver, cachesOff } = inject('servers');

/** From the catalog's answer to its database. */
const reading = cachesOff
  ? ['catalog server catalog.getProducts → catalog internal database read']
  : [
      'catalog server catalog.getProducts → catalog internal cache product',
      'catalog internal cache product → catalog client redis read',
      'catalog internal cache product → catalog internal database read',
    ];

const nameOf = ({ service, kind, name }: ReceivedSpan) => `${service} ${kind} ${name}`;

/** Waits until the trace has a span for each name, and the parent of each span: processes send theirs in batches, each in its own time. */
async function traceWith(traceId: string, ...names: string[]): Promise<ReceivedSpan[]> {
  let spans: ReceivedSpan[] = [];
  for (let look = 0; look < 200; look += 1) {
    spans = (await (await fetch(`${receiver}/${traceId}`)).json()) as ReceivedSpan[];
    const present = new Set(spans.map(nameOf));
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const hasGaps = spans.some(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId));
    if (!hasGaps && names.every((name) => present.has(name))) return spans;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not in the trace after 20 s: one of ${names.join(', ')}, or the parent of a span; there are\n${spans.map(nameOf).join('\n')}`);
}

/** The trace as lines "parent → child". */
function edgesOf(spans: readonly ReceivedSpan[]): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  return spans.map((span) => {
    const parent = byId.get(span.parentSpanId);
    return `${parent ? nameOf(parent) : span.parentSpanId && 'missing'} → ${nameOf(span)}`;
  });
}

describe('the trace of a checkout', () => {
  let spans: ReceivedSpan[];
  let requestId: string;

  beforeAll(async () => {
    const browser = await logIn(demoCredentials(3));
    // Of the unpopular end, which no other test has made the cache know.
    const answer = await placeOrder(browser, [{ productId: randomInt(1000, 1900), quantity: 1 }]).expect(201);
    requestId = answer.get('x-request-id') as string;
    const jobs = ['orders.take-payment', 'orders.send-receipt', 'orders.order-placed'].map((topic) => `worker consumer process ${topic}`);
    // Spans without a child: nothing that arrives before them tells that they are missing.
    const last = ['catalog client select products', 'inventory internal database write'];
    spans = await traceWith(requestId.replaceAll('-', ''), 'gateway server POST /v1/orders', ...last, ...jobs);
  });

  it('goes from the gateway through every service, database and cache', () => {
    expect(edgesOf(spans)).toEqual(
      expect.arrayContaining([
        ' → gateway server POST /v1/orders',
        'gateway server POST /v1/orders → gateway client session load',
        'gateway server POST /v1/orders → gateway client orders.placeOrder',
        'gateway client orders.placeOrder → orders server orders.placeOrder',
        'orders server orders.placeOrder → orders internal database write',
        'orders server orders.placeOrder → orders client catalog.getProducts',
        'orders client catalog.getProducts → catalog server catalog.getProducts',
        ...reading,
        'catalog internal database read → catalog client select products',
        'orders server orders.placeOrder → orders client inventory.reserve',
        'orders client inventory.reserve → inventory server inventory.reserve',
        'inventory server inventory.reserve → inventory internal database write',
      ]),
    );
  });

  it('goes on through outbox and Kafka into the jobs, and links them to what was sent', () => {
    expect(edgesOf(spans)).toEqual(
      expect.arrayContaining([
        'orders internal database write → orders producer create orders.take-payment',
        'orders producer send orders.take-payment → worker consumer process orders.take-payment',
        'worker client orders.settlePayments → orders server orders.settlePayments',
        'orders server orders.settlePayments → orders internal database write',
        'orders internal database write → orders producer create orders.send-receipt',
        'orders producer create orders.send-receipt → orders client insert outbox',
        'orders producer create orders.send-receipt → orders producer send orders.send-receipt',
        'orders producer send orders.send-receipt → worker consumer process orders.send-receipt',
        'worker consumer process orders.send-receipt → worker internal database write',
        'orders producer send orders.order-placed → worker consumer process orders.order-placed',
      ]),
    );
    const sent = spans.find((span) => nameOf(span) === 'orders producer send orders.send-receipt');
    const job = spans.find((span) => nameOf(span) === 'worker consumer process orders.send-receipt');
    expect(job?.links).toEqual([sent?.spanId]);
  });

  it('has one root and no gaps, carries the request id, and says nothing personal', () => {
    expect(edgesOf(spans).filter((edge) => edge.startsWith('missing'))).toEqual([]);
    expect(spans.filter(({ parentSpanId }) => parentSpanId === '')).toHaveLength(1);
    expect(new Set(spans.map(({ attributes }) => attributes['request.id']))).toEqual(new Set([requestId]));
    expect(JSON.stringify(spans)).not.toContain(demoCredentials(3).email);
  });
});
