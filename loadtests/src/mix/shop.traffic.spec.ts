import { productFilter } from '@tenfold/contracts';
import { describe, expect, it } from 'vitest';
import { pictureTraffic, sessionTraffic } from './account.traffic.ts';
import { Mix } from './mix.ts';
import type { PlannedRequest } from './planned-request.ts';
import { shopTraffics } from './shop.traffic.ts';

const traffics = [sessionTraffic, pictureTraffic, ...shopTraffics];
const now = Date.UTC(2026, 10, 1);

function newMix(): Mix {
  return new Mix({ traffics, scale: 0.02, cookies: ['session=a', 'session=b'], run: 'test-run', seed: 7 });
}

function plan(mix: Mix, count: number): PlannedRequest[] {
  return Array.from({ length: count }, () => mix.next(now));
}

const isPublic = ({ path }: PlannedRequest) => path.startsWith('/v1/products');

describe('the traffic of the shop', () => {
  it('keeps the shares of the shop', () => {
    const requests = plan(newMix(), 50_000);
    const share = (pattern: RegExp) =>
      Math.round((requests.filter(({ endpoint }) => pattern.test(endpoint)).length / requests.length) * 100);
    expect(share(/products$/)).toBe(40);
    expect(share(/products\/:id$/)).toBe(30);
    expect(share(/products\?q=$/)).toBe(10);
    expect(share(/session|cart/)).toBe(9);
    expect(share(/orders$/)).toBe(8);
    expect(share(/reports/)).toBe(2);
    expect(share(/picture/)).toBe(1);
  });

  it('lets people think: none acts twice within a moment while others are ready', () => {
    const mix = new Mix({ traffics, scale: 0.02, cookies: ['session=a'], guests: 5000, run: 'test-run', seed: 7 });
    const tagged = new Set<string>();
    let conditional = 0;
    // One request a millisecond for a second, all of them remembered: of 5,000 guests hardly anyone comes twice.
    for (let count = 0; count < 1000; count++) {
      const request = mix.next(now + count);
      if (!isPublic(request) || request.headers['cookie']) continue;
      if (request.headers['if-none-match']) conditional++;
      request.learn?.({ status: 200, etag: `"${count}"`, body: '{"next":null}' });
      tagged.add(request.path);
    }
    expect(tagged.size).toBeGreaterThan(50);
    expect(conditional).toBeLessThan(10);
  });

  it('looks at reports that existed before', () => {
    const mix = new Mix({ traffics, scale: 0.02, cookies: ['session=a'], found: [{ id: 'r7', customer: 0 }], run: 'test-run', seed: 7 });
    expect(plan(mix, 1000).some(({ path }) => path === '/v1/reports/r7')).toBe(true);
  });

  it('fills a cart up to what is left of it where others share the customer', () => {
    const mix = new Mix({ traffics, scale: 0.02, cookies: ['session=a'], sharing: 16, run: 'test-run', seed: 7 });
    const held = new Set<string>();
    let most = 0;
    for (const { endpoint, path } of plan(mix, 5000)) {
      if (endpoint === 'PUT /v1/cart/items/:id') held.add(path);
      if (endpoint === 'DELETE /v1/cart/items/:id') held.delete(path);
      most = Math.max(most, held.size);
    }
    expect(most).toBe(2);
  });

  it('plans the same requests again from the same seed', () => {
    const shape = ({ method, path, headers, body }: PlannedRequest) => ({ method, path, headers, body });
    expect(plan(newMix(), 500).map(shape)).toEqual(plan(newMix(), 500).map(shape));
  });

  it('never uses an Idempotency-Key twice', () => {
    const keys = plan(newMix(), 5000).flatMap(({ headers }) => headers['idempotency-key'] ?? []);
    expect(keys.length).toBeGreaterThan(300);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('sends a session wherever somebody must be logged in', () => {
    const without = plan(newMix(), 5000).filter((request) => !isPublic(request) && !request.headers['cookie']);
    expect(without).toEqual([]);
  });

  it('searches for what the contract allows', () => {
    const searches = plan(newMix(), 5000).filter(({ endpoint }) => endpoint === 'GET /v1/products?q=');
    const terms = searches.map(({ path }) => new URL(path, 'http://shop').searchParams.get('q'));
    expect(terms.filter((q) => !productFilter.safeParse({ q }).success)).toEqual([]);
    expect(new Set(terms).size).toBeGreaterThan(50);
  });

  it('asks conditionally for a page whose tag it knows, and takes 304 for an answer', () => {
    const mix = newMix();
    for (const request of plan(mix, 3000).filter(isPublic)) {
      request.learn?.({ status: 200, etag: '"1"', body: '{"items":[],"next":null}' });
    }
    const conditional = plan(mix, 300).filter(({ headers }) => headers['if-none-match'] === '"1"');
    expect(conditional.length).toBeGreaterThan(0);
    expect(conditional.every(({ expected }) => expected.includes(304))).toBe(true);
  });

  it('goes on where the last page ended', () => {
    const mix = newMix();
    for (const request of plan(mix, 3000)) {
      if (request.endpoint === 'GET /v1/products') request.learn?.({ status: 200, etag: undefined, body: '{"next":"c+1"}' });
    }
    expect(plan(mix, 300).some(({ path }) => path.endsWith('after=c%2B1'))).toBe(true);
  });

  it('asks for no file before its report is done', () => {
    const mix = newMix();
    const files: string[] = [];
    for (let count = 0; count < 3000; count++) {
      const request = mix.next(now);
      if (request.endpoint === 'POST /v1/reports') request.learn?.({ status: 202, etag: undefined, body: '{"id":"r1"}' });
      if (request.endpoint === 'GET /v1/reports/:id') request.learn?.({ status: 200, etag: undefined, body: '{"state":"running"}' });
      if (request.endpoint === 'GET /v1/reports/:id/file') files.push(request.path);
    }
    expect(files).toEqual([]);
  });
});
