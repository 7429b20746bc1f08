import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { admin, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';
import { apiRoutes } from './api-routes.fixture.ts';
import type { ApiRoute } from './api-routes.fixture.ts';

const friend = 'https://admin.tenfold.test';
let gateway: RunningGateway;
let open: RunningGateway;
let routes: ApiRoute[];

beforeAll(async () => {
  const environment = { SESSION_REDIS_URL: inject('servers').sessionRedis };
  gateway = await startGateway(environment);
  open = await startGateway({ ...environment, ALLOWED_ORIGINS: friend });
  routes = (await apiRoutes(gateway)).filter(({ changes }) => changes);
});

afterAll(async () => {
  await gateway.close();
  await open.close();
});

/** Sends to every changing route, logged in as one who may do everything, and collects the answers that differ. */
async function answersOtherThan(status: number, headers: Record<string, string>, body: string | object = {}) {
  const browser = gateway.browser();
  await browser.post('/v1/session').send(admin).expect(201);
  const others: string[] = [];
  for (const { method, path } of routes) {
    const response = await browser[method](path).set(headers).send(body);
    if (response.status !== status) others.push(`${method} ${path}: ${response.status}`);
  }
  return others;
}

describe('every changing route', () => {
  it('is known to this test', () => {
    expect(routes.length).toBeGreaterThanOrEqual(10);
  });

  it.each([
    ['a foreign Origin', { origin: 'https://evil.test' }],
    ['the own host under another port', { origin: 'http://127.0.0.1:1' }],
    ['an opaque Origin', { origin: 'null' }],
    ['an Origin that is none', { origin: 'evil' }],
    ['a request from another site', { 'sec-fetch-site': 'cross-site' }],
    ['a request from a sibling of our host', { 'sec-fetch-site': 'same-site' }],
    ['Fetch Metadata that nobody knows', { 'sec-fetch-site': 'trust-me' }],
    ['a navigation from another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: 'https://evil.test' }],
  ])('refuses %s', async (_what, headers) => {
    expect(await answersOtherThan(403, headers)).toEqual([]);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/jsonp',
    'application/json; charset=utf-16',
    'application/json, text/plain',
    'application/xml',
  ])('refuses a body of type %s', async (type) => {
    expect(await answersOtherThan(415, { 'content-type': type }, '{}')).toEqual([]);
  });

  it('refuses a body that is compressed', async () => {
    expect(await answersOtherThan(415, { 'content-type': 'application/json', 'content-encoding': 'gzip' }, '{}')).toEqual([]);
  });

  it('gives no other site leave to ask', async () => {
    for (const { method, path } of routes) {
      const preflight = await gateway.browser().options(path).set({
        origin: 'https://evil.test',
        'access-control-request-method': method.toUpperCase(),
        'access-control-request-headers': 'content-type',
      });
      expect(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('an origin that the settings allow', () => {
  it('may ask and change, with its cookies', async () => {
    const preflight = await open.browser().options('/v1/cart/items/7').set({ origin: friend, 'access-control-request-method': 'PUT' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': friend, 'access-control-allow-credentials': 'true' });
    const asFriend = { origin: friend, 'sec-fetch-site': 'cross-site' };
    const answer = await open.browser().put('/v1/cart/items/7').set(asFriend).send({ quantity: 1 }).expect(200);
    expect(answer.headers['access-control-allow-origin']).toBe(friend);
  });

  it('opens nothing for others', async () => {
    const answer = await open.browser().put('/v1/cart/items/7').set('origin', 'https://evil.test').send({ quantity: 1 }).expect(403);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});
