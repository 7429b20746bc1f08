import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { adminCredentials, demoCredentials, leaveInStock, logIn, mailsTo, newBrowser, newCustomer, placeOrder } from './shop.fixture.ts';
import type { Browser } from './shop.fixture.ts';

/** What is done by a job takes a moment; this is when we stop waiting for it. */
const soon = { timeout: 20_000, interval: 200 };

describe('sessions', () => {
  const customer = newCustomer();
  let browser: Browser;

  beforeAll(async () => {
    await newBrowser().post('/v1/accounts').send(customer).expect(201);
    browser = await logIn(customer);
  });

  it('begin neither for a wrong password nor for an unknown account, with the same words', async () => {
    const wrong = await newBrowser().post('/v1/session').send({ email: customer.email, password: 'wrong' }).expect(401);
    const unknown = await newBrowser().post('/v1/session').send({ email: newCustomer().email, password: 'wrong' }).expect(401);
    expect({ ...wrong.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
  });

  it('are listed, and ended one by one or all others at once', async () => {
    const [second, third] = [await logIn(customer), await logIn(customer)];
    const { body } = await browser.get('/v1/sessions').expect(200);
    expect(body.items).toHaveLength(3);
    const { body: secondSession } = await second.get('/v1/session').expect(200);

    await browser.delete(`/v1/sessions/${secondSession.id}`).expect(204);
    await second.get('/v1/session').expect(401);
    await third.get('/v1/session').expect(200);
    await browser.delete('/v1/sessions').expect(204);
    await third.get('/v1/session').expect(401);
    await browser.get('/v1/session').expect(200);
  });

  it('cannot be ended by somebody else', async () => {
    const { body } = await browser.get('/v1/session').expect(200);
    await (await logIn(demoCredentials(2))).delete(`/v1/sessions/${body.id}`).expect(404);
    await browser.get('/v1/session').expect(200);
  });
});

describe('the catalog', () => {
  it('shows an admin the change at once', async () => {
    const admin = await logIn(adminCredentials);
    for (let round = 0; round < 10; round += 1) {
      const description = `Described in round ${round} of ${randomUUID()}.`;
      await admin.patch('/v1/products/24').send({ description }).expect(200);
      const { body } = await admin.get('/v1/products/24').expect(200);
      expect(body.description).toBe(description);
    }
  });
});

describe('orders', () => {
  const customer = newCustomer();
  let browser: Browser;

  beforeAll(async () => {
    await newBrowser().post('/v1/accounts').send(customer).expect(201);
    browser = newBrowser();
    // The cart that the first test orders is filled before the log-in.
    await browser.put('/v1/cart/items/11').send({ quantity: 2 }).expect(200);
    await browser.put('/v1/cart/items/12').send({ quantity: 1 }).expect(200);
    await browser.put('/v1/cart/items/13').send({ quantity: 1 }).expect(200);
    await browser.delete('/v1/cart/items/13').expect(204);
    await logIn(customer, browser);
  });

  it("take what a visitor's cart held before the log-in, and empty it", async () => {
    await browser.get('/v1/cart').expect(200, { items: [{ productId: 11, quantity: 2 }, { productId: 12, quantity: 1 }] });
    const key = randomUUID();
    const { body, headers } = await placeOrder(browser, undefined, key).expect(201);
    expect(headers['location']).toBe(`/v1/orders/${body.id}`);
    expect(body.lines).toMatchObject([{ productId: 11, quantity: 2 }, { productId: 12, quantity: 1 }]);
    expect(body.totalCents).toBe(2 * body.lines[0].priceCents + body.lines[1].priceCents);
    await browser.get('/v1/cart').expect(200, { items: [] });

    const again = await placeOrder(browser, undefined, key).expect(201);
    expect(again.body).toEqual(body);
  });

  it('are followed by a receipt', async () => {
    const { body } = await placeOrder(browser, [{ productId: 14, quantity: 1 }]).expect(201);
    await vi.waitFor(async () => {
      const receipts = (await mailsTo(customer.email)).filter((mail) => mail.subject.includes(body.id));
      expect(receipts).toHaveLength(1);
    }, soon);
  });

  it('give the first answer again for the same key', async () => {
    const key = randomUUID();
    const first = await placeOrder(browser, [{ productId: 15, quantity: 1 }], key).expect(201);
    const second = await placeOrder(browser, [{ productId: 15, quantity: 1 }], key).expect(201);
    expect(second.body).toEqual(first.body);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(second.headers['idempotency-replayed']).toBe('true');
  });

  it('refuse the same key with another body', async () => {
    const key = randomUUID();
    await placeOrder(browser, [{ productId: 15, quantity: 1 }], key).expect(201);
    await placeOrder(browser, [{ productId: 15, quantity: 2 }], key).expect(409, /key-reused/);
  });

  it('are placed once when asked for eight times at the same instant', async () => {
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => placeOrder(browser, [{ productId: 16, quantity: 1 }], key).expect(201)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
  });

  it('are refused beyond the stock, all of their items together', async () => {
    await leaveInStock(3, 19);
    await placeOrder(browser, [{ productId: 18, quantity: 1 }, { productId: 19, quantity: 4 }]).expect(422, /out-of-stock/);
    await placeOrder(browser, [{ productId: 19, quantity: 3 }]).expect(201);
    await placeOrder(browser, [{ productId: 19, quantity: 1 }]).expect(422, /out-of-stock/);
  });

  it('are refused for an unknown product and for nothing', async () => {
    await placeOrder(browser, [{ productId: 2_000_000_000, quantity: 1 }]).expect(422, /unknown-product/);
    await placeOrder(browser, undefined).expect(422, /nothing-to-order/);
  });

  it('are in the history at once, the latest first, whichever replica answers', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { body: placed } = await placeOrder(browser, [{ productId: 20, quantity: 1 }]).expect(201);
      const { body: history } = await browser.get('/v1/orders?limit=1').expect(200);
      expect(history.items[0].id).toBe(placed.id);
      const { body: order } = await browser.get(`/v1/orders/${placed.id}`).expect(200);
      // It may have been paid meanwhile.
      expect({ ...order, status: placed.status }).toEqual(placed);
    }
  });

  it('can be paged through', async () => {
    const { body: first } = await browser.get('/v1/orders?limit=2').expect(200);
    const { body: second } = await browser.get('/v1/orders').query({ limit: 2, after: first.next }).expect(200);
    const { body: both } = await browser.get('/v1/orders?limit=4').expect(200);
    // An order may have been paid meanwhile.
    const idsOf = (items: readonly { id: string }[]) => items.map(({ id }) => id);
    expect(idsOf([...first.items, ...second.items])).toEqual(idsOf(both.items));
    expect(both.items).toHaveLength(4);
  });

  it("are nobody else's business", async () => {
    const { body } = await browser.get('/v1/orders?limit=1').expect(200);
    await (await logIn(demoCredentials(4))).get(`/v1/orders/${body.items[0].id}`).expect(404, /not-found/);
  });
});

describe('reports', () => {
  const wanted = { kind: 'sales-by-category', from: '2024-01-01', to: '2030-12-31' };
  let browser: Browser;

  beforeAll(async () => {
    browser = await logIn(demoCredentials(1));
  });

  it('are followed as events until they are done', async () => {
    const { body: report } = await browser.post('/v1/reports').send(wanted).expect(202);
    const { text, headers } = await browser.get(`/v1/reports/${report.id}/events`).buffer(true).expect(200);
    expect(headers['content-type']).toMatch('text/event-stream');
    const states = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => (JSON.parse(data) as { state: string }).state);
    expect(states.at(-1)).toBe('done');
  });

  it("are nobody else's business", async () => {
    const { body: report } = await browser.post('/v1/reports').send(wanted).expect(202);
    const other = await logIn(demoCredentials(5));
    for (const path of ['', '/events', '/file']) await other.get(`/v1/reports/${report.id}${path}`).expect(404, /not-found/);
  });
});
