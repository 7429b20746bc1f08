import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { openReplica, Source, unique } from './cache.fixture.ts';
import type { Product } from './cache.fixture.ts';
import type { Cache } from './cache.ts';

const redisUrl = inject('servers').cacheRedis;
let owner: Awaited<ReturnType<typeof openReplica>>;
let other: Awaited<ReturnType<typeof openReplica>>;
let source: Source;
let products: Cache<Product>;
let answers: Cache<Product>;

beforeAll(async () => {
  [owner, other] = [await openReplica({ redisUrl, service: unique('owner') }), await openReplica({ redisUrl, service: unique('other') })];
});

afterAll(() => Promise.all([owner.close(), other.close()]));

beforeEach(async () => {
  source = new Source();
  const [service, name] = [unique('owner'), unique('product')];
  await owner.close();
  owner = await openReplica({ redisUrl, service });
  products = owner.store.cache<Product>({ name, version: 1, redis: { ttlMs: 60_000 } });
  answers = other.store.cache<Product>({ name: unique('answer'), version: 7, memory: { entries: 100, ttlMs: 60_000 }, follows: { service, cache: name } });
  // The subscription of a service that is followed later than the connection is made.
  await vi.waitFor(async () => {
    source.asked.length = 0;
    source.set('0', 'any');
    await answers.get('0', source.one('0'));
    await products.forget('0');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await answers.get('0', source.one('0'));
    if (source.asked.length < 2) throw new Error('not subscribed yet');
  }, { timeout: 10_000 });
  source.asked.length = 0;
});

describe('a cache that follows one of another service', () => {
  it('keeps what it made of a value until that is forgotten there', async () => {
    source.set('7', 'lamp');
    for (let visit = 0; visit < 5; visit += 1) await answers.get('7', source.one('7'));
    expect(source.asked).toEqual(['7']);
    source.set('7', 'torch');
    await products.forget('7');
    await vi.waitFor(async () => expect((await answers.get('7', source.one('7')))?.name).toBe('torch'), { timeout: 10_000 });
    expect(source.asked).toEqual(['7', '7']);
  });

  it('gives up a load that was under way when its value was forgotten', async () => {
    source.set('7', 'lamp');
    const release = source.hold();
    const early = answers.get('7', source.one('7'));
    await vi.waitFor(() => expect(source.asked).toEqual(['7']), { timeout: 10_000 });
    source.set('7', 'torch');
    await products.forget('7');
    await vi.waitFor(() => expect(answers.size).toBe(1));
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    expect((await early)?.name).toBe('lamp');
    expect((await answers.get('7', source.one('7')))?.name).toBe('torch');
  });

  it('keeps no longer than two seconds what it loads just after, since the source may be a moment behind', async () => {
    source.set('7', 'lamp');
    await answers.get('7', source.one('7'));
    await products.forget('7');
    await vi.waitFor(async () => {
      await answers.get('7', source.one('7'));
      expect(source.asked.length).toBe(2);
    }, { timeout: 10_000 });
    source.set('7', 'torch');
    expect((await answers.get('7', source.one('7')))?.name).toBe('lamp');
    await vi.waitFor(async () => expect((await answers.get('7', source.one('7')))?.name).toBe('torch'), { timeout: 3_000, interval: 100 });
  });
});
