import { FaultSwitch } from '@tenfold/service';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { openReplica, outcomes, roundTrips, Source, unique } from './cache.fixture.ts';
import type { Product } from './cache.fixture.ts';
import { entryCodec, tombstone } from './cache.entry.ts';
import type { Cache } from './cache.ts';

const levels = { memory: { entries: 100, ttlMs: 60_000 }, redis: { ttlMs: 60_000 } };
const service = unique('service');
let redis: Redis;
let here: Awaited<ReturnType<typeof openReplica>>;
let there: Awaited<ReturnType<typeof openReplica>>;
let source: Source;
let name: string;
let cache: Cache<Product>;
let other: Cache<Product>;

beforeAll(async () => {
  const redisUrl = inject('servers').cacheRedis;
  redis = new Redis(redisUrl);
  [here, there] = await Promise.all([openReplica({ redisUrl, service }), openReplica({ redisUrl, service })]);
});

beforeEach(() => {
  source = new Source();
  name = unique('product');
  cache = here.store.cache<Product>({ name, version: 1, ...levels });
  other = there.store.cache<Product>({ name, version: 1, ...levels });
});

afterAll(async () => {
  const keys = await redis.keys(`${service}:*`);
  if (keys.length > 0) await redis.del(...keys);
  await Promise.all([here.close(), there.close()]);
  redis.disconnect();
});

const keyOf = (key: string, version = 1) => `${service}:${name}:v${version}:${key}`;
const patience = { timeout: 10_000 };
const filled = (key: string) => vi.waitFor(async () => expect(await redis.exists(keyOf(key))).toBe(1), patience);

describe('a cache', () => {
  it('asks the source once, then memory', async () => {
    source.set('7', 'lamp');
    const first = await cache.get('7', source.one('7'));
    expect(first).toEqual({ id: 7, name: 'lamp', tags: ['new'] });
    expect(await cache.get('7', source.one('7'))).toBe(first);
    expect(await outcomes(name)).toEqual({ load: 1, memory: 1 });
  });

  it('finds in Redis what another replica has loaded', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await filled('7');
    expect(await other.get('7', source.one('7'))).toEqual(source.products.get('7'));
    expect(await outcomes(name)).toEqual({ load: 1, redis: 1 });
  });

  it('loads once for a thousand who ask at once', async () => {
    source.set('7', 'lamp');
    const answers = await Promise.all(Array.from({ length: 1000 }, () => cache.get('7', source.one('7'))));
    expect(new Set(answers.map((answer) => answer?.name))).toEqual(new Set(['lamp']));
    expect(source.asked).toEqual(['7']);
    expect(await outcomes(name)).toEqual({ load: 1, memory: 999 });
  });

  it('remembers, in both levels, that the source has nothing', async () => {
    expect(await cache.get('404', source.one('404'))).toBeUndefined();
    expect(await cache.get('404', source.one('404'))).toBeUndefined();
    await filled('404');
    expect(await other.get('404', source.one('404'))).toBeUndefined();
    expect(await outcomes(name)).toEqual({ load: 1, negative: 2 });
  });

  it('remembers nothing for a negative time of 0', async () => {
    const eager = here.store.cache<Product>({ name: unique('eager'), version: 1, ...levels, negativeTtlMs: 0 });
    await eager.get('404', source.one('404'));
    await eager.get('404', source.one('404'));
    expect(source.asked).toEqual(['404', '404']);
  });

  it('passes a failed load to all who wait, and loads again for the next', async () => {
    const failing = () => Promise.reject(new Error('the source is down'));
    const answers = await Promise.allSettled([cache.get('7', failing), cache.get('7', failing)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    source.set('7', 'lamp');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
  });

  it('hands out values that nobody can change', async () => {
    source.set('7', 'lamp');
    const product = await cache.get('7', source.one('7'));
    expect(() => product?.tags.push('used')).toThrow(TypeError);
  });

  it('keeps at most the entries it was given in memory', async () => {
    const small = here.store.cache<Product>({ name: unique('small'), version: 1, memory: { entries: 2, ttlMs: 60_000 } });
    for (const key of ['1', '2', '3']) await small.get(key, source.one(key));
    expect(small.size).toBe(2);
  });

  it('gives every entry in Redis an end', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await filled('7');
    const ttl = await redis.pttl(keyOf('7'));
    expect(ttl).toBeGreaterThan(50_000);
    expect(ttl).toBeLessThan(66_001);
  });

  it('cannot be declared twice', () => {
    expect(() => here.store.cache({ name, version: 2 })).toThrow(RangeError);
  });
});

describe('many keys', () => {
  it('are gathered from memory, Redis and one load, in the order asked', async () => {
    for (const key of ['1', '2', '3']) source.set(key, `product ${key}`);
    await cache.get('1', source.one('1'));
    await other.get('2', source.one('2'));
    await filled('2');
    source.asked.length = 0;
    const found = await cache.getMany(['3', '404', '2', '1', '1'], source.many);
    expect([...found.keys()]).toEqual(['3', '2', '1']);
    expect(source.asked).toEqual(['3', '404']);
    expect(await outcomes(name)).toEqual({ memory: 1, redis: 1, load: 4 });
  });

  it('take one round trip to Redis', async () => {
    const keys = Array.from({ length: 100 }, (_, index) => String(index));
    for (const key of keys) source.set(key, 'lamp');
    await other.getMany(keys, source.many);
    await filled('99');
    const before = await roundTrips();
    expect((await cache.getMany(keys, source.many)).size).toBe(100);
    expect((await roundTrips()) - before).toBe(1);
    expect(source.asked).toHaveLength(100);
  });

  it('join a load that is under way', async () => {
    source.set('7', 'lamp');
    const release = source.hold();
    const single = cache.get('7', source.one('7'));
    const many = cache.getMany(['7'], source.many);
    release();
    expect((await many).get('7')).toBe(await single);
    expect(source.asked).toEqual(['7']);
  });

  it('of which none is asked for give an empty answer', async () => {
    expect(await cache.getMany([], source.many)).toEqual(new Map());
    expect(source.asked).toEqual([]);
  });
});

describe('forgetting', () => {
  const change = async (to: string) => {
    source.set('7', to);
    await cache.forget('7');
  };

  it('makes the next get load again', async () => {
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await change('desk');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' });
  });

  it('reaches the memory of the other replicas', async () => {
    source.set('7', 'lamp');
    await other.get('7', source.one('7'));
    await change('desk');
    await vi.waitFor(async () => expect(await other.get('7', source.one('7'))).toMatchObject({ name: 'desk' }), patience);
  });

  it('reaches replicas that run another version, in memory and in Redis', async () => {
    const newer = unique('versioned');
    const old = here.store.cache<Product>({ name: newer, version: 1, ...levels });
    const next = there.store.cache<Product>({ name: newer, version: 2, ...levels });
    source.set('7', 'lamp');
    await next.get('7', source.one('7'));
    source.set('7', 'desk');
    await old.forget('7');
    await vi.waitFor(async () => expect(await next.get('7', source.one('7'))).toMatchObject({ name: 'desk' }), patience);
    expect(await redis.getBuffer(`${service}:${newer}:v2:7`)).toEqual(tombstone);
  });

  it('keeps a load that began before it from putting its old value back, in memory', async () => {
    source.set('7', 'lamp');
    const release = source.hold();
    const early = cache.get('7', source.one('7'));
    await vi.waitFor(() => expect(source.asked).toEqual(['7']), patience);
    await change('desk');
    release();
    expect(await early).toMatchObject({ name: 'lamp' });
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' });
  });

  it('keeps a load that began before it, in another replica, from putting its old value into Redis', async () => {
    source.set('7', 'lamp');
    const release = source.hold();
    const early = other.get('7', source.one('7'));
    await vi.waitFor(() => expect(source.asked).toEqual(['7']), patience);
    await change('desk');
    release();
    await early;
    expect(await redis.getBuffer(keyOf('7'))).toEqual(tombstone);
    await vi.waitFor(async () => expect(await other.get('7', source.one('7'))).toMatchObject({ name: 'desk' }), patience);
  });

  it('keeps what is loaded right after it no longer than the tombstone, since a replica database may lag', async () => {
    await cache.forget('7');
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    source.set('7', 'desk');
    await vi.waitFor(async () => expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'desk' }), { timeout: 10_000 });
  });

  it('of many keys happens at once', async () => {
    for (const key of ['1', '2']) source.set(key, 'lamp');
    await cache.getMany(['1', '2'], source.many);
    await cache.forget('1', '2');
    await cache.getMany(['1', '2'], source.many);
    expect(source.asked).toEqual(['1', '2', '1', '2']);
  });
});

describe('an entry in Redis', () => {
  it.each([
    ['garbage', Buffer.from('garbage')],
    ['empty', Buffer.alloc(0)],
    ['another version', entryCodec('product:v9').encode({ id: 9, name: 'stranger' }, 1)],
    ['half of one', entryCodec(`product:v1`).encode({ id: 9 }, 1).subarray(0, 18)],
  ])('that is %s counts as a miss and is replaced', async (_what, entry) => {
    source.set('7', 'lamp');
    await redis.set(keyOf('7'), entry);
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
    await vi.waitFor(async () => expect(await redis.getBuffer(keyOf('7'))).toEqual(tombstone), patience);
  });

  it('of another type counts as a miss', async () => {
    source.set('7', 'lamp');
    await redis.lpush(keyOf('7'), 'not a string');
    expect(await cache.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
  });
});

describe('a cache that is switched off', () => {
  it.each([['*'], ['product']])('by "%s" asks the source every time', async (off) => {
    const replica = await openReplica({ redisUrl: inject('servers').cacheRedis, service: unique('off'), off: [off] });
    const cache = replica.store.cache<Product>({ name: 'product', version: 1, ...levels });
    source.set('7', 'lamp');
    await cache.get('7', source.one('7'));
    await cache.get('7', source.one('7'));
    expect(await cache.getMany(['7'], source.many)).toEqual(source.products);
    await replica.close();
    expect(source.asked).toEqual(['7', '7', '7']);
  });
});

describe('the fault cache-off', () => {
  it('lets every get load until it is switched off', async () => {
    const faults = new FaultSwitch();
    const replica = await openReplica({ redisUrl: inject('servers').cacheRedis, service }, faults);
    try {
      const faulty = replica.store.cache<Product>({ name, version: 1, ...levels });
      source.set('7', 'lamp');
      await faulty.get('7', source.one('7'));
      faults.on('cache-off', {});
      await faulty.get('7', source.one('7'));
      expect(await outcomes(name)).toEqual({ load: 2 });
      faults.off();
      await faulty.get('7', source.one('7'));
      expect(await outcomes(name)).toEqual({ load: 2, memory: 1 });
    } finally {
      await replica.close();
    }
  });
});
