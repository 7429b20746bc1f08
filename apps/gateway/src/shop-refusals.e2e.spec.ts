import { beforeAll, describe, expect, inject, it } from 'vitest';
import { demoCredentials, logIn, newBrowser, newCustomer, placeOrder } from './shop.fixture.ts';
import type { Browser } from './shop.fixture.ts';

const servers = inject('servers');
const unknownId = '3f2c0f0e-96b4-4c55-8b5f-62c2a4c1f6ad';
const long = (length: number) => 'x'.repeat(length);

let browser: Browser;

beforeAll(async () => {
  browser = await logIn(demoCredentials(6));
});

describe('bad input is refused and named', () => {
  it.each([
    ['POST', '/v1/accounts', { ...newCustomer(), admin: true }, '#/admin'],
    ['POST', '/v1/accounts', { ...newCustomer(), password: 'short' }, '#/password'],
    ['POST', '/v1/accounts', { ...newCustomer(), name: long(101) }, '#/name'],
    ['POST', '/v1/accounts', { ...newCustomer(), name: 'a\0b' }, '#/name'],
    ['POST', '/v1/accounts', { ...newCustomer(), email: 7 }, '#/email'],
    ['POST', '/v1/session', { email: 'a@b.test' }, '#/password'],
    ['PUT', '/v1/cart/items/1', { quantity: 0 }, '#/quantity'],
    ['PUT', '/v1/cart/items/1', { quantity: '1' }, '#/quantity'],
    ['PUT', '/v1/cart/items/1', { quantity: 1.5 }, '#/quantity'],
    ['POST', '/v1/reports', { kind: 'all', from: '2026-01-01', to: '2026-01-31' }, '#/kind'],
    ['POST', '/v1/reports', { kind: 'sales-by-month', from: '2026-02-01', to: '2026-01-31' }, '#/to'],
    ['POST', '/v1/reports', { kind: 'sales-by-month', from: '2026-02-31', to: '2026-03-31' }, '#/from'],
  ] as const)('%s %s with %j names %s', async (method, path, body, pointer) => {
    const answer = await browser[method === 'PUT' ? 'put' : 'post'](path).send(body).expect(400);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body.errors).toMatchObject([{ pointer }]);
  });

  it.each([
    ['/v1/products?limit=0', 'limit'],
    ['/v1/products?limit=101', 'limit'],
    ['/v1/products?limit=ten', 'limit'],
    ['/v1/products?after=nonsense', 'after'],
    ['/v1/products?category=0', 'category'],
    [`/v1/products?q=${long(101)}`, 'q'],
    ['/v1/products?q=%00', 'q'],
    ['/v1/products?sort=weight', 'sort'],
    ['/v1/products?sort=price&direction=up', 'direction'],
    ['/v1/products?category=1&category=2', 'category'],
    ['/v1/products/0', 'id'],
    ['/v1/products/2147483648', 'id'],
    ['/v1/orders?after=nonsense', 'after'],
    ['/v1/orders/17', 'id'],
    ['/v1/reports/17', 'id'],
  ])('GET %s names %s', async (path, parameter) => {
    const { body } = await browser.get(path).expect(400);
    expect(body.errors).toMatchObject([{ parameter }]);
  });

  it('an order names the place in its list of items', async () => {
    const { body } = await placeOrder(browser, [{ productId: 1, quantity: 1 }, { productId: 2, quantity: 100 }]).expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/items/1/quantity' }]);
  });

  it('an order names the header that is missing', async () => {
    const { body } = await browser.post('/v1/orders').send({ items: [{ productId: 1, quantity: 1 }] }).expect(400);
    expect(body.errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  it('an order with a bad field writes nothing', async () => {
    const before = await browser.get('/v1/orders?limit=1').expect(200);
    await browser.post('/v1/orders').set('idempotency-key', 'one-field-too-many').send({ items: [{ productId: 1, quantity: 1 }], totalCents: 1 }).expect(400);
    const after = await browser.get('/v1/orders?limit=1').expect(200);
    expect(after.body).toEqual(before.body);
  });
});

describe('requests that do not fit', () => {
  it('are refused without a session', async () => {
    await newBrowser().post('/v1/orders').set('idempotency-key', 'without-a-session').send({}).expect(401, /not-logged-in/);
  });

  it('are refused for what does not exist', async () => {
    await browser.get('/v1/products/2000000000').expect(404, /not-found/);
    await browser.get(`/v1/orders/${unknownId}`).expect(404, /not-found/);
    await browser.get(`/v1/reports/${unknownId}/events`).expect(404, /not-found/);
    await browser.get('/v2/products').expect(404, /not-found/);
  });

  it('are refused by method', async () => {
    const { headers } = await browser.delete('/v1/orders').expect(405, /method-not-allowed/);
    expect(headers['allow']).toBe('GET, HEAD, POST');
  });

  it('are refused by the type of their body', async () => {
    await browser.post('/v1/session').type('form').send({ email: 'a' }).expect(415, /unsupported-media-type/);
  });

  it('are refused for broken JSON', async () => {
    await browser.post('/v1/session').type('json').send('{"email"').expect(400, /malformed-body/);
  });

  it('are refused by the size of their body', async () => {
    await browser.post('/v1/session').send({ email: long(70_000) }).expect(413, /body-too-large/);
  });

  it('are refused from another site', async () => {
    await browser.put('/v1/cart/items/1').set('origin', 'https://elsewhere.test').send({ quantity: 1 }).expect(403, /cross-origin/);
    await browser.put('/v1/cart/items/1').set('origin', servers.gateway).send({ quantity: 1 }).expect(200);
    await browser.delete('/v1/cart/items/1').expect(204);
  });
});
