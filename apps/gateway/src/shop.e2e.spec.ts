import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { beforeAll, describe, expect, inject, it } from 'vitest';

// Through HAProxy, against the shop that `npm test` started and seeded.
const { gateway, mail } = inject('servers');
const password = 'tenfold-demo';

type Browser = ReturnType<typeof request.agent>;

async function logIn(email: string): Promise<Browser> {
  const browser = request.agent(gateway);
  await browser.post('/v1/session').send({ email, password }).expect(201);
  return browser;
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('it did not happen within 20 s');
}

const order = (browser: Browser, key: string, body: object) =>
  browser.post('/v1/orders').set('Idempotency-Key', key).send(body);

describe('an account', () => {
  it('signs up, logs in, sees itself and its sessions, and logs out', async () => {
    const account = { email: `${randomUUID()}@example.org`, password: 'correct horse battery', name: 'Ada' };
    const browser = request.agent(gateway);
    await browser.post('/v1/accounts').send(account).expect(201);
    await browser.post('/v1/accounts').send(account).expect(409);
    await browser.post('/v1/session').send({ email: account.email, password: 'wrong' }).expect(401);
    await browser.post('/v1/session').send({ email: account.email, password: account.password }).expect(201);
    const { body } = await browser.get('/v1/session').expect(200);
    expect(body.account).toMatchObject({ email: account.email, role: 'customer' });
    const other = request.agent(gateway);
    await other.post('/v1/session').send({ email: account.email, password: account.password }).expect(201);
    expect((await browser.get('/v1/sessions').expect(200)).body.items).toHaveLength(2);
    await browser.delete('/v1/sessions').expect(204);
    await other.get('/v1/session').expect(401);
    await browser.delete('/v1/session').expect(204);
    await browser.get('/v1/session').expect(401);
  });
});

describe('the catalog', () => {
  it.each(['/v1/products?category=9&limit=13', '/v1/categories'])('is answered by the balancer while %s is being asked for, to each under an id of its own', async (path) => {
    const ask = () => request(gateway).get(path).expect(200);
    // A page is kept for a second, which a busy machine may need for both questions.
    const [first, second] = await eventually(async () => {
      const answers = [await ask(), await ask()] as const;
      return answers[1].headers['age'] === undefined ? undefined : answers;
    });
    expect(second.body).toEqual(first.body);
    expect(second.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    expect(second.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
  });

  it('is paged through without gaps or doubles', async () => {
    const ids: number[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const answer = await request(gateway).get('/v1/products').query({ category: 7, limit: 3, ...(after && { after }) }).expect(200);
      const body = answer.body as { items: { id: number }[]; next: string | null };
      ids.push(...body.items.map(({ id }) => id));
      after = body.next;
    }
    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
  });

  it('answers 304 to who has the product already', async () => {
    const { headers } = await request(gateway).get('/v1/products/5').expect(200);
    expect(headers['cache-control']).toContain('public');
    await request(gateway).get('/v1/products/5').set('If-None-Match', headers['etag'] as string).expect(304);
  });

  it('finds by words and by ids', async () => {
    const { body: named } = await request(gateway).get('/v1/products/5').expect(200);
    const word = named.name.split(' ')[0] as string;
    const { body: found } = await request(gateway).get('/v1/products').query({ q: word, limit: 100 }).expect(200);
    expect(found.items.map(({ id }: { id: number }) => id)).toContain(5);
    const { body: several } = await request(gateway).get('/v1/products?ids=3,5').expect(200);
    expect(several.items).toHaveLength(2);
  });

  it('shows a new price to the admin at once and to everybody within moments', async () => {
    const admin = await logIn('admin@tenfold.test');
    const before = (await request(gateway).get('/v1/products/9').expect(200)).body.priceCents as number;
    await request(gateway).patch('/v1/products/9').send({ priceCents: before + 1 }).expect(401);
    await (await logIn('demo-2@tenfold.test')).patch('/v1/products/9').send({ priceCents: before + 1 }).expect(403);
    await admin.patch('/v1/products/9').send({ priceCents: before + 1 }).expect(200);
    expect((await admin.get('/v1/products/9').expect(200)).body.priceCents).toBe(before + 1);
    const prices = await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => request(gateway).get('/v1/products/9')));
      const seen = new Set(answers.map(({ body }) => body.priceCents));
      return seen.size === 1 && seen.has(before + 1) ? seen : undefined;
    });
    expect([...prices]).toEqual([before + 1]);
  });
});

describe('checkout', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await logIn('demo-3@tenfold.test');
  });

  it("keeps a visitor's cart at log-in, orders it and empties it", async () => {
    const visitor = request.agent(gateway);
    await visitor.put('/v1/cart/items/5').send({ quantity: 2 }).expect(200);
    await visitor.post('/v1/session').send({ email: 'demo-4@tenfold.test', password }).expect(201);
    expect((await visitor.get('/v1/cart').expect(200)).body.items).toEqual([{ productId: 5, quantity: 2 }]);
    await order(visitor, randomUUID(), {}).expect(201);
    expect((await visitor.get('/v1/cart').expect(200)).body.items).toEqual([]);
    await order(visitor, randomUUID(), {}).expect(422);
  });

  it('places one order per key, also at the same instant, and shows it in the history at once', async () => {
    const body = { items: [{ productId: 3, quantity: 1 }] };
    const key = randomUUID();
    const answers = await Promise.all([order(browser, key, body), order(browser, key, body)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const ids = new Set(answers.map((answer) => answer.body.id as string));
    expect(ids.size).toBe(1);
    const [id] = ids;
    const { body: history } = await browser.get('/v1/orders?limit=5').expect(200);
    expect(history.items.filter((item: { id: string }) => item.id === id)).toHaveLength(1);
    await browser.get(`/v1/orders/${id}`).expect(200);
    await order(browser, key, { items: [{ productId: 4, quantity: 1 }] }).expect(409);
    await (await logIn('demo-5@tenfold.test')).get(`/v1/orders/${id}`).expect(404);
  });

  it('refuses what is unknown', async () => {
    await order(browser, randomUUID(), { items: [{ productId: 2_000_000_000, quantity: 1 }] }).expect(422);
    await browser.post('/v1/orders').send({ items: [{ productId: 3, quantity: 1 }] }).expect(400);
  });

  it('mails the receipt', async () => {
    const { body } = await order(browser, randomUUID(), { items: [{ productId: 6, quantity: 1 }] }).expect(201);
    const subjects = await eventually(async () => {
      const answer = await fetch(`${mail}/api/email`);
      const text = await answer.text();
      return text.includes(body.id as string) ? text : undefined;
    });
    expect(subjects).toContain(body.id);
  });
});

describe('a report', () => {
  it('is made in the background, followed and downloaded', async () => {
    const browser = await logIn('demo-6@tenfold.test');
    const { body } = await browser.post('/v1/reports').send({ kind: 'sales-by-month', from: '2026-01-01', to: '2026-06-30' }).expect(202);
    await eventually(async () => {
      const { body: now } = await browser.get(`/v1/reports/${body.id}`).expect(200);
      return now.state === 'done' ? now : undefined;
    });
    const { text: events } = await browser.get(`/v1/reports/${body.id}/events`).expect(200);
    expect(events).toContain('done');
    const { text } = await browser.get(`/v1/reports/${body.id}/file`).expect(200);
    expect(text).toMatch(/^month,category,orders,units,revenue\n/);
  });
});

describe('bad input', () => {
  it.each([
    ['an unknown query parameter', '/v1/products?colour=red'],
    ['a limit of 0', '/v1/products?limit=0'],
    ['a bad cursor', '/v1/products?after=garbage!'],
    ['an id that is no number', '/v1/products/abc'],
    ['an id out of range', '/v1/products/99999999999'],
    ['a repeated parameter', '/v1/products?q=a&q=b'],
    ['a NUL in the query', '/v1/products?q=%00'],
  ])('is refused as a problem: %s', async (_, path) => {
    const { body, headers } = await request(gateway).get(path).expect(400);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(body).toMatchObject({ status: 400 });
  });

  it('is refused in bodies with a pointer to the field', async () => {
    const { body } = await request(gateway).post('/v1/accounts').send({ email: 'x', password: 'short', admin: true }).expect(400);
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['#/email', '#/password', '#/name', '#/admin']));
  });

  it('is refused when it is no JSON, of another type or too large', async () => {
    const post = () => request(gateway).post('/v1/accounts');
    await post().set('content-type', 'application/json').send('{"email":').expect(400);
    await post().set('content-type', 'text/plain').send('hello').expect(415);
    await post().send({ name: 'x'.repeat(200_000) }).expect(413);
  });

  it('is told apart from what is not there', async () => {
    await request(gateway).get('/v1/nothing').expect(404);
    await request(gateway).get('/v1/products/2000000000').expect(404);
    await request(gateway).get('/v1/orders').expect(401);
  });
});

describe('the interface', () => {
  it('describes itself', async () => {
    const { body } = await request(gateway).get('/openapi.json').expect(200);
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/v1/accounts', '/v1/session', '/v1/products', '/v1/orders']));
  });
});
