import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { tombstone } from './cache.entry.ts';
import { openReplica, redisErrors, Source, unique } from './cache.fixture.ts';
import type { Product } from './cache.fixture.ts';
import type { Cache } from './cache.ts';
import { faultProxy } from '@tenfold/local-cluster/testing';
import type { FaultProxy } from '@tenfold/local-cluster/testing';

const levels = { memory: { entries: 100, ttlMs: 60_000 }, redis: { ttlMs: 60_000 } };
let service: string;
let proxy: FaultProxy;
let redis: Redis;
let cut: Awaited<ReturnType<typeof openReplica>>;
let whole: Awaited<ReturnType<typeof openReplica>>;
let cache: Cache<Product>;
let other: Cache<Product>;
let source: Source;

beforeEach(async () => {
  const redisUrl = inject('servers').cacheRedis;
  service = unique('service');
  source = new Source();
  redis = new Redis(redisUrl);
  proxy = await faultProxy(redisUrl);
  cut = await openReplica({ redisUrl: proxy.url, service });
  whole = await openReplica({ redisUrl, service });
  cache = cut.store.cache<Product>({ name: 'product', version: 1, ...levels });
  other = whole.store.cache<Product>({ name: 'product', version: 1, ...levels });
});

afterEach(async () => {
  await Promise.all([cut.close(), whole.close()]);
  await proxy.close();
  const keys = await redis.keys(`${service}:*`);
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
});

const keyOf = (key: string) => `${service}:product:v1:${key}`;
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 15_000, interval: 50 });


/** Until what the cache loads arrives in Redis. */
const redisIsUsed = () =>
  eventually(async () => {
    const key = unique('key');
    await cache.get(key, source.one(key));
    await vi.waitFor(async () => expect(await redis.exists(keyOf(key))).toBe(1), { timeout: 50, interval: 5 });
  });

describe('without its Redis, a cache', () => {
  it.each([
    ['is gone', () => proxy.refuse()],
    ['does not answer', async () => proxy.stall()],
  ])('loads from the source and keeps in memory when Redis %s', async (_what, fail) => {
    await fail();
    source.set('7', 'lamp');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
    expect((await cache.getMany(['7', '8'], source.many)).size).toBe(1);
    expect(source.asked).toEqual(['7', '8']);
  });

  it('stops asking a Redis that does not answer', async () => {
    proxy.stall();
    for (let key = 1; key <= 5; key += 1) await cache.get(String(key), source.one(String(key)));
    const errors = () => redisErrors('read');
    const before = await errors();
    await Promise.all(Array.from({ length: 50 }, (_, index) => cache.get(`more ${index}`, source.one(`more ${index}`))));
    expect(await errors()).toBe(before);
  });

  it('uses Redis again once it is back', async () => {
    await proxy.refuse();
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await proxy.heal();
    await redisIsUsed();
    expect(await redis.keys(`${service}:*`)).not.toEqual([]);
  });

  it('forgets in memory at once, and in Redis as soon as it is back', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await eventually(async () => expect(await redis.exists(keyOf('7'))).toBe(1));
    await other.get('7', source.one('7'));
    await proxy.refuse();
    source.set('7', 'desk');
    await cache.forget('7');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' });
    await proxy.heal();
    await eventually(async () => expect(await redis.getBuffer(keyOf('7'))).toEqual(tombstone));
    await eventually(async () => expect(await other.get('7', source.one('7'))).toMatchObject({ name: 'desk' }));
  });

  it('does not believe an entry in Redis that it could not forget there', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await eventually(async () => expect(await redis.exists(keyOf('7'))).toBe(1));
    await proxy.refuse();
    source.set('7', 'desk');
    await cache.forget('7');
    await proxy.heal();
    await redisIsUsed();
    cache.dropFromMemory();
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' });
  });

  it('empties its memory when messages may have been missed', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await proxy.refuse();
    source.set('7', 'desk');
    await other.forget('7');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
    await proxy.heal();
    await eventually(async () => expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' }));
  });

  it('boots', async () => {
    await proxy.refuse();
    const late = await openReplica({ redisUrl: proxy.url, service: unique('late') });
    const cache = late.store.cache<Product>({ name: 'product', version: 1, ...levels });
    source.set('7', 'lamp');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
    await late.close();
  });
});
