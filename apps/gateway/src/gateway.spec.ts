import { connect } from 'node:net';
import { registry } from '@tenfold/telemetry';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { admin, CatalogForTests, customer, startGateway } from './gateway.fixture.ts';
import type { RunningGateway } from './gateway.fixture.ts';

const servers = inject('servers');
let gateway: RunningGateway;

beforeAll(async () => {
  gateway = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis });
});

afterAll(async () => {
  await gateway.close();
});

/** How often the store was asked for a session; a look that is not waited for has ended by then. */
async function sessionLoads(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const metrics = await registry.getSingleMetricAsString('session_operations_total');
  const counts = [...metrics.matchAll(/operation="load".*\} (\d+)/g)].map(([, count]) => Number(count));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function loggedIn(credentials: { email: string; password: string }) {
  const browser = gateway.browser();
  await browser.post('/v1/session').send(credentials).expect(201);
  return browser;
}

describe('problem details', () => {
  it('name the body field that is wrong by its pointer', async () => {
    const { body, headers } = await gateway.browser().post('/v1/accounts').send({ email: 'no', password: 'long enough', name: 'A' });
    expect(headers['content-type']).toMatch('application/problem+json');
    expect(body).toMatchObject({
      type: '/problems/invalid-request',
      status: 400,
      requestId: expect.any(String),
      errors: [{ pointer: '#/email', detail: expect.any(String) }],
    });
  });

  it('name a field that is not known', async () => {
    const { body } = await gateway.browser().post('/v1/session').send({ ...customer, role: 'admin' }).expect(400);
    expect(body.errors).toEqual([{ pointer: '#/role', detail: 'is not known' }]);
  });

  it('name the query parameter that is wrong', async () => {
    const { body } = await gateway.browser().get('/v1/products?limit=1000').expect(400);
    expect(body.errors).toMatchObject([{ parameter: 'limit' }]);
  });

  it('name `after` when a service refuses the cursor', async () => {
    const { body } = await gateway.browser().get('/v1/products?after=nonsense').expect(400);
    expect(body.errors).toMatchObject([{ parameter: 'after' }]);
  });

  it('refuse strings that hold NUL', async () => {
    const { body } = await gateway.browser().post('/v1/accounts').send({ ...customer, name: 'a\0b' }).expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/name' }]);
  });

  it('answer 503 with Retry-After when a service cannot be reached', async () => {
    const browser = await loggedIn(customer);
    const { body, headers } = await browser.get('/v1/orders').expect(503);
    expect(body.type).toBe('/problems/unavailable');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  });

  it('tell an unknown address from an unknown method', async () => {
    await gateway.browser().get('/v1/nothing').expect(404, /not-found/);
    const { headers } = await gateway.browser().put('/v1/products/7').expect(405, /method-not-allowed/);
    expect(headers['allow']).toBe('GET, HEAD, PATCH');
  });

  it.each([
    ['a repeated parameter', '/v1/products?limit=1&limit=2', 400],
    ['a parameter that is not known', '/v1/products?colour=red', 400],
    ['a sort that is not on the list', '/v1/products?sort=priceCents', 400],
    ['a prototype as a parameter', '/v1/products?__proto__=1', 400],
    ['a constructor as a parameter', '/v1/products?constructor[prototype]=1', 400],
    ['NUL in a parameter', '/v1/products?q=a%00b', 400],
    ['ids beside another parameter', '/v1/products?ids=1,2&limit=3', 400],
    ['an id that is not a number', '/v1/products?ids=1,,2', 400],
    ['more than 100 ids', `/v1/products?ids=${Array.from({ length: 101 }, (_, index) => index + 1).join(',')}`, 400],
    ['a product id that is no number', '/v1/products/seven', 400],
    ['a product id beyond 32 bits', '/v1/products/99999999999', 400],
    ['a negative product id', '/v1/products/-1', 400],
    ['broken percent-encoding', '/v1/products/%zz', 400],
    ['a path segment that is too long', `/v1/products/${'9'.repeat(5000)}`, 414],
  ])('answer %s by 4xx', async (_, path, status) => {
    const { body, headers } = await gateway.browser().get(path).expect(status);
    expect(headers['content-type']).toMatch('application/problem+json');
    expect(body.status).toBe(status);
  });

  it.each([
    ['broken JSON', 'application/json', '{"email":', 400, 'malformed-body'],
    ['an empty JSON body', 'application/json', '', 400, 'malformed-body'],
    ['a prototype in the body', 'application/json', '{"__proto__":{"role":"admin"}}', 400, 'malformed-body'],
    ['JSON of another shape', 'application/json', '[]', 400, 'invalid-request'],
    ['deeply nested JSON', 'application/json', '['.repeat(30_000) + ']'.repeat(30_000), 400, 'invalid-request'],
    ['a form', 'application/x-www-form-urlencoded', 'email=a', 415, 'unsupported-media-type'],
    ['plain text', 'text/plain', '{}', 415, 'unsupported-media-type'],
    ['a body over the limit', 'application/json', JSON.stringify({ email: 'a'.repeat(70_000) }), 413, 'body-too-large'],
  ])('answer %s by 4xx', async (_, type, body, status, problem) => {
    const response = await gateway.browser().post('/v1/session').set('content-type', type).send(body).expect(status);
    expect(response.body.type).toBe(`/problems/${problem}`);
  });

  it('answer a body without a type by 415', async () => {
    const answer = await sendRaw('POST /v1/session HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
    expect(answer).toMatch(/^HTTP\/1.1 415 /);
  });
});

describe('products', () => {
  it('carry an ETag and may be kept', async () => {
    const { headers, body } = await gateway.browser().get('/v1/products/7').expect(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(headers['cache-control']).toMatch(/^public, max-age=\d+, s-maxage=\d+, stale-while-revalidate=\d+$/);
    expect(headers['etag']).toMatch(/^"[\w-]+"$/);
    expect(body).toMatchObject({ id: 7, name: 'Lamp' });
  });

  it('are not sent again to a client that has them', async () => {
    const { headers } = await gateway.browser().get('/v1/products');
    const again = await gateway.browser().get('/v1/products').set('if-none-match', `"other", W/${headers['etag']}`).expect(304);
    expect(again.text).toBe('');
    expect(again.headers['etag']).toBe(headers['etag']);
  });

  it('ask for the session of nobody but whoever has just changed one', async () => {
    const browser = await loggedIn(admin);
    const look = () => browser.get('/v1/products/7').expect(200);
    await look();
    const before = await sessionLoads();
    for (let visit = 0; visit < 5; visit += 1) await look();
    expect(await sessionLoads()).toBe(before);
    await browser.patch('/v1/products/7').send({ description: 'Shines.' }).expect(200);
    const changed = await sessionLoads();
    await look();
    expect(await sessionLoads()).toBe(changed + 1);
  });

  it('are answered from memory, without a call and so without a statement, until one changes', async () => {
    const catalog = gateway.services.catalog.get(CatalogForTests);
    const look = (browser = gateway.browser()) => browser.get('/v1/products/7').expect(200);
    await look();
    const before = catalog.asked;
    for (let visit = 0; visit < 20; visit += 1) await look();
    expect(catalog.asked).toBe(before);
    const browser = await loggedIn(admin);
    await browser.patch('/v1/products/7').send({ description: 'Glows.' }).expect(200);
    expect((await look(browser)).body.description).toBe('Glows.');
    expect((await look()).body.description).toBe('Glows.');
  });

  it('are forgotten within a second by a gateway through which the change did not pass', async () => {
    const look = async () => (await gateway.browser().get('/v1/products/7').expect(200)).body.description as string;
    const redis = new Redis(servers.cacheRedis);
    await look();
    gateway.services.catalog.get(CatalogForTests).changeProduct({ id: 7, change: { description: 'Flickers.' } });
    expect(await look()).not.toBe('Flickers.');
    await redis.publish('catalog:forget', JSON.stringify({ origin: 'a catalog', cache: 'product', version: 1, keys: ['7'] }));
    redis.disconnect();
    await expect.poll(look, { timeout: 1_000 }).toBe('Flickers.');
  });

  it('are found by ids', async () => {
    const { body } = await gateway.browser().get('/v1/products?ids=7,8').expect(200);
    expect(body).toMatchObject({ items: [{ id: 7 }], next: null });
  });

  it('answer 404 that nobody keeps', async () => {
    const { headers } = await gateway.browser().get('/v1/products/8').expect(404, /not-found/);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('are changed by an admin alone', async () => {
    await gateway.browser().patch('/v1/products/7').send({ name: 'Torch' }).expect(401, /not-logged-in/);
    await (await loggedIn(customer)).patch('/v1/products/7').send({ name: 'Torch' }).expect(403, /forbidden/);
    const { body } = await (await loggedIn(admin)).patch('/v1/products/7').send({ description: 'Gives more light.' }).expect(200);
    expect(body).toMatchObject({ id: 7, description: 'Gives more light.' });
  });

  it('refuse an empty change', async () => {
    await (await loggedIn(admin)).patch('/v1/products/7').send({}).expect(400, /invalid-request/);
  });
});

describe('sessions', () => {
  it('begin with a cookie that scripts and other sites cannot use', async () => {
    const { headers } = await gateway.browser().post('/v1/session').send(customer).expect(201);
    expect(headers['set-cookie']?.[0]).toMatch(/^session=[\w%.-]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(headers['cache-control']).toBe('no-store');
  });

  it('show a cart in the order of its products, since Redis keeps none', async () => {
    const browser = gateway.browser();
    await browser.put('/v1/cart/items/12').send({ quantity: 1 }).expect(200);
    const items = [{ productId: 11, quantity: 2 }, { productId: 12, quantity: 1 }];
    await browser.put('/v1/cart/items/11').send({ quantity: 2 }).expect(200, { items });
    await browser.get('/v1/cart').expect(200, { items });
  });

  it('take a new id at log-in and keep the cart', async () => {
    const browser = gateway.browser();
    const visit = await browser.put('/v1/cart/items/7').send({ quantity: 2 }).expect(200);
    const visitorCookie = visit.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await browser.post('/v1/session').send(customer).expect(201);
    await browser.get('/v1/cart').expect(200, { items: [{ productId: 7, quantity: 2 }] });
    await gateway.browser().get('/v1/cart').set('cookie', visitorCookie).expect(200, { items: [] });
  });

  it('do not open by a cookie that was tampered with', async () => {
    const { headers } = await gateway.browser().post('/v1/session').send(customer);
    const cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await gateway.browser().get('/v1/session').set('cookie', cookie).expect(200);
    const tampered = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    await gateway.browser().get('/v1/session').set('cookie', tampered.replace('session=', 'session=x')).expect(401);
  });

  it('answer a wrong password by 401 and give no cookie', async () => {
    const { headers } = await gateway.browser().post('/v1/session').send({ ...customer, password: 'wrong' }).expect(401, /wrong-credentials/);
    expect(headers['set-cookie']).toBeUndefined();
  });

  it('are listed and ended by their owner', async () => {
    const [here, there] = [await loggedIn(customer), await loggedIn(customer)];
    const { body } = await here.get('/v1/sessions').expect(200);
    const current = body.items.filter((session: { current: boolean }) => session.current);
    expect(current).toHaveLength(1);
    await here.delete('/v1/sessions').expect(204);
    await there.get('/v1/session').expect(401);
    await here.get('/v1/session').expect(200);
    await here.delete('/v1/sessions/no-such-session').expect(404);
    await here.delete(`/v1/sessions/${current[0].id}`).expect(204);
    await here.get('/v1/session').expect(401);
  });

  it('end at log-out', async () => {
    const browser = await loggedIn(customer);
    const { headers } = await browser.delete('/v1/session').expect(204);
    expect(headers['set-cookie']?.[0]).toMatch(/^session=; .*Expires=Thu, 01 Jan 1970/);
    await browser.get('/v1/session').expect(401);
  });

  it.each(['/v1/session', '/v1/sessions', '/v1/account/picture', '/v1/orders', '/v1/reports/3f2c0f0e-96b4-4c55-8b5f-62c2a4c1f6ad'])(
    'are needed for GET %s',
    async (path) => {
      await gateway.browser().get(path).expect(401, /not-logged-in/);
    },
  );
});

describe('orders', () => {
  it('need an Idempotency-Key', async () => {
    const { body } = await (await loggedIn(customer)).post('/v1/orders').send({}).expect(400);
    expect(body.errors).toMatchObject([{ header: 'Idempotency-Key' }]);
  });

  it('refuse a product that is named twice', async () => {
    const item = { productId: 7, quantity: 1 };
    const { body } = await (await loggedIn(customer)).post('/v1/orders').set('idempotency-key', 'twice-the-same').send({ items: [item, item] }).expect(400);
    expect(body.errors).toEqual([{ pointer: '#/items', detail: 'names a product twice' }]);
  });
});

describe('requests from other sites', () => {
  it.each([
    ['a foreign Origin', { origin: 'https://evil.test' }],
    ['an opaque Origin', { origin: 'null' }],
    ['cross-site Fetch Metadata', { 'sec-fetch-site': 'cross-site' }],
  ])('change nothing: %s', async (_, headers) => {
    const browser = gateway.browser();
    await browser.put('/v1/cart/items/7').set(headers).send({ quantity: 1 }).expect(403, /cross-origin/);
    await browser.get('/v1/cart').expect(200, { items: [] });
  });

  it('are not confused with those from the own site', async () => {
    await gateway.browser().put('/v1/cart/items/7').set('origin', gateway.url).send({ quantity: 1 }).expect(200);
  });
});

describe('the reference', () => {
  it('is a page of all routes, without a script', async () => {
    const { text, headers } = await gateway.browser().get('/reference').expect(200);
    expect(text).toContain('<code>PUT /v1/cart/items/{productId}</code>');
    expect(text).not.toContain('<script');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src/);
  });

  it('is not served in production', async () => {
    const production = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis, NODE_ENV: 'production' });
    await production.browser().get('/reference').expect(404);
    await production.close();
  });
});

describe('the list of accounts', () => {
  it('is paged by number, for admins', async () => {
    const browser = gateway.browser();
    await browser.post('/v1/session').send(admin).expect(201);
    const { body } = await browser.get('/v1/accounts').query({ page: 2, limit: 1 }).expect(200);
    expect(body.items).toHaveLength(1);
    expect(body.total).toBeGreaterThanOrEqual(2);
    expect(body.items[0]).toHaveProperty('disabled');
    const { body: problem } = await browser.get('/v1/accounts').query({ page: 20_000, limit: 100 }).expect(400);
    expect(problem.errors).toEqual([{ detail: 'page: must not skip more than 100000' }]);
  });

  it('is closed to everybody else', async () => {
    const browser = gateway.browser();
    await browser.get('/v1/accounts').expect(401);
    await browser.post('/v1/session').send(customer).expect(201);
    const { status } = await browser.get('/v1/accounts');
    expect(status).toBe(403);
  });
});

describe('the OpenAPI document', () => {
  it('names every route with its problems', async () => {
    const { body } = await gateway.browser().get('/openapi.json').expect(200);
    const operations = Object.entries(body.paths as Record<string, Record<string, { responses: Record<string, unknown> }>>)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(operations.sort()).toEqual([
      'DELETE /v1/account/picture',
      'DELETE /v1/accounts/{id}/sessions',
      'DELETE /v1/cart/items/{productId}',
      'DELETE /v1/reports/{id}',
      'DELETE /v1/session',
      'DELETE /v1/sessions',
      'DELETE /v1/sessions/{id}',
      'GET /openapi.json',
      'GET /v1/account/picture',
      'GET /v1/accounts',
      'GET /v1/cart',
      'GET /v1/categories',
      'GET /v1/order-book',
      'GET /v1/orders',
      'GET /v1/orders/archived/{month}',
      'GET /v1/orders/{id}',
      'GET /v1/products',
      'GET /v1/products/{id}',
      'GET /v1/products/{id}/stock',
      'GET /v1/reports/{id}',
      'GET /v1/reports/{id}/events',
      'GET /v1/reports/{id}/file',
      'GET /v1/session',
      'GET /v1/sessions',
      'PATCH /v1/accounts/{id}',
      'PATCH /v1/products/{id}',
      'POST /v1/accounts',
      'POST /v1/orders',
      'POST /v1/reports',
      'POST /v1/session',
      'PUT /v1/account/password',
      'PUT /v1/account/picture',
      'PUT /v1/cart/items/{productId}',
    ]);
    const order = body.paths['/v1/orders'].post;
    expect(Object.keys(order.responses)).toEqual(['201', '400', '401', '403', '409', '413', '415', '422', '429', '500', '503', '504']);
    expect(order.security).toEqual([{ session: [] }]);
    expect(order.parameters).toMatchObject([{ in: 'header', name: 'Idempotency-Key', required: true }]);
  });

  it('names the types of a body that is a file', async () => {
    const { body } = await gateway.browser().get('/openapi.json').expect(200);
    expect(Object.keys(body.paths['/v1/account/picture'].put.requestBody.content)).toEqual(['image/png', 'image/jpeg', 'image/webp']);
  });

  it('takes its schemas from those that validate', async () => {
    const { body } = await gateway.browser().get('/openapi.json').expect(200);
    const limit = body.paths['/v1/products'].get.parameters.find((parameter: { name: string }) => parameter.name === 'limit');
    expect(limit).toMatchObject({ in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 100 } });
    expect(body.paths['/v1/accounts'].post.requestBody.content['application/json'].schema.required).toEqual(['email', 'password', 'name']);
  });
});

/** Sends bytes as they are, which HTTP clients would mend. */
function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (data) => (answer += String(data)));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
