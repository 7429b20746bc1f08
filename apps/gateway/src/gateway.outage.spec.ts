import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { customer, startGateway } from './gateway.fixture.ts';
import type { RunningGateway } from './gateway.fixture.ts';

const servers = inject('servers');

describe('without the session store', () => {
  let gateway: RunningGateway;
  let cookie: string;

  beforeAll(async () => {
    const keys = { COOKIE_KEYS: 'the-same-keys-before-and-after-the-outage' };
    const before = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis, ...keys });
    const { headers } = await before.browser().post('/v1/session').send(customer).expect(201);
    cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    await before.close();
    // Port 1 refuses every connection.
    gateway = await startGateway({ SESSION_REDIS_URL: 'redis://127.0.0.1:1', LOGIN_LIMIT_PER_MINUTE: '2', ...keys });
  });

  afterAll(async () => {
    await gateway.close();
  });

  it('public routes work, also with a cookie', async () => {
    await gateway.browser().get('/v1/products/7').set('cookie', cookie).expect(200);
  });

  const isRefused = async (path: string) => {
    const { headers } = await gateway.browser().get(path).set('cookie', cookie).expect(503, /unavailable/);
    expect(headers['retry-after']).toBe('1');
  };

  it.each(['/v1/session', '/v1/sessions', '/v1/account/picture'])('GET %s answers 503 with Retry-After', isRefused);

  it.each(['/v1/orders', '/v1/cart'])('GET %s of the shop answers 503 with Retry-After', isRefused);

  it('a protected route stays closed without a cookie', async () => {
    await gateway.browser().get('/v1/sessions').expect(401);
  });

  it('limits are still counted', async () => {
    const logIn = () => gateway.browser().post('/v1/session').send(customer);
    await logIn().expect(503);
    await logIn().expect(503);
    await logIn().expect(429);
  });
});

describe('without the catalog', () => {
  it('products answer 503 with Retry-After', async () => {
    const gateway = await startGateway({ SESSION_REDIS_URL: servers.sessionRedis });
    await gateway.services.catalog.close();
    const { headers } = await gateway.browser().get('/v1/products/7').expect(503, /unavailable/);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await gateway.close();
  });
});
