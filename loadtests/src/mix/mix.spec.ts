import { describe, expect, it } from 'vitest';
import { pictureTraffic, sessionTraffic } from './account.traffic.ts';
import { Mix } from './mix.ts';
import type { PlannedRequest } from './planned-request.ts';
import type { Traffic } from './traffic.ts';

const options = { scale: 0.02, cookies: ['session=a', 'session=b'], run: 'test-run', seed: 7 };
const request: PlannedRequest = { endpoint: 'GET /v1/added', method: 'GET', path: '/v1/added', headers: {}, expected: [200], readsBody: false };
const added = (share: number): Traffic => ({ share, targets: {}, open: () => () => request });

function plan(mix: Mix, count: number): PlannedRequest[] {
  return Array.from({ length: count }, () => mix.next(Date.UTC(2026, 10, 1)));
}

describe('Mix', () => {
  it('takes in what services add, by its share', () => {
    const requests = plan(new Mix({ ...options, traffics: [pictureTraffic, added(0.25)] }), 20_000);
    expect(Math.round((requests.filter((one) => one === request).length / requests.length) * 100)).toBe(20);
  });

  it('lets those alone who are not logged in, where a session is needed', () => {
    expect(plan(new Mix({ ...options, traffics: [sessionTraffic, pictureTraffic] }), 1000).filter(({ headers }) => !headers['cookie'])).toEqual([]);
  });

  it('lets guests in where everybody may ask', () => {
    const open: Traffic['open'] = () => (_random, shopper) => shopper.page('GET /v1/added', '/v1/added');
    const requests = plan(new Mix({ ...options, traffics: [{ share: 1, targets: {}, by: 'everybody', open }] }), 1000);
    const guests = requests.filter(({ headers }) => !headers['cookie']).length;
    expect(guests).toBeGreaterThan(400);
    expect(guests).toBeLessThan(600);
  });

  it('uploads pictures of different sizes, and asks for none that was not taken', () => {
    const mix = new Mix({ ...options, traffics: [pictureTraffic] });
    const pictures = plan(mix, 500).filter(({ path }) => path === '/v1/account/picture');
    expect(new Set(pictures.map(({ method }) => method))).toEqual(new Set(['PUT']));
    expect(new Set(pictures.map(({ body }) => body?.length)).size).toBeGreaterThan(2);
    for (const { learn } of pictures) learn?.({ status: 204, etag: undefined, body: '' });
    expect(plan(mix, 500).some(({ endpoint }) => endpoint === 'GET /v1/account/picture')).toBe(true);
  });

  it('plans the same requests again from the same seed', () => {
    const bodies = () => plan(new Mix({ ...options, traffics: [sessionTraffic, pictureTraffic] }), 500).map(({ endpoint, body }) => [endpoint, body?.length]);
    expect(bodies()).toEqual(bodies());
  });
});
