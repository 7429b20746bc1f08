import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { entryCodec } from './cache.entry.ts';
import { openReplica, outcomes, Source, unique } from './cache.fixture.ts';
import type { Product } from './cache.fixture.ts';
import type { Cache } from './cache.ts';

const service = unique('service');
const levels = { memory: { entries: 100, ttlMs: 60_000 }, redis: { ttlMs: 60_000 } };
let redis: Redis;
let replicas: Awaited<ReturnType<typeof openReplica>>[];
let source: Source;
let name: string;

beforeAll(async () => {
  const redisUrl = inject('servers').cacheRedis;
  redis = new Redis(redisUrl);
  replicas = await Promise.all([1, 2, 3].map(() => openReplica({ redisUrl, service, commandTimeoutMs: 1_000 })));
});

beforeEach(() => {
  source = new Source();
  name = unique('product');
});

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  const keys = await redis.keys(`${service}:*`);
  if (keys.length > 0) await redis.del(...keys);
  await Promise.all(replicas.map((replica) => replica.close()));
  redis.disconnect();
});

const caches = (options: object = {}): Cache<Product>[] =>
  replicas.map(({ store }) => store.cache<Product>({ name, version: 1, ...levels, ...options }));
const keyOf = (key: string) => `${service}:${name}:v1:${key}`;
const filled = (key: string) => vi.waitFor(async () => expect(await redis.exists(keyOf(key))).toBe(1), { timeout: 10_000 });
const lost = new Error('the source is down');
const failing = () => Promise.reject(lost);

describe('of all replicas', () => {
  it('one loads what a thousand ask for, and the others wait for it', async () => {
    source.set('7', 'lamp');
    const all = caches();
    const answers = await Promise.all(Array.from({ length: 999 }, (_, index) => all[index % 3]?.get('7', source.one('7'))));
    expect(new Set(answers.map((answer) => answer?.name))).toEqual(new Set(['lamp']));
    expect(source.asked).toEqual(['7']);
  });

  it('one loads each of many keys, which they ask for in different orders', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => String(index));
    for (const key of keys) source.set(key, 'lamp');
    const [first, second, third] = caches();
    const asked = [first?.getMany(keys, source.many), second?.getMany(keys.toReversed(), source.many), third?.getMany(keys.slice(20), source.many)];
    const found = await Promise.all(asked);
    expect(found.map((values) => values?.size)).toEqual([50, 50, 30]);
    expect(source.asked.toSorted()).toEqual(keys.toSorted());
  });

  it('another loads when the one that had begun fails', async () => {
    source.set('7', 'lamp');
    const [first, second] = caches();
    const { promise, reject } = Promise.withResolvers<undefined>();
    const early = first?.get('7', () => promise).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await redis.exists(`${keyOf('7')}:lease`)).toBe(1), { timeout: 10_000 });
    const late = second?.get('7', source.one('7'));
    reject(lost);
    expect(await early).toBe(lost);
    expect(await late).toMatchObject({ name: 'lamp' });
  });

  it('none waits for ever for one that has died', async () => {
    source.set('7', 'lamp');
    const [, second] = caches();
    await redis.set(`${keyOf('7')}:lease`, 'of a replica that is gone', 'PX', 60_000);
    expect(await second?.get('7', source.one('7'))).toMatchObject({ name: 'lamp' });
  });

  it('one loads anew before the end, while all go on with what they have', async () => {
    source.set('7', 'lamp');
    const [first, second] = caches({ redis: { ttlMs: 10_000 } });
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    await first?.get('7', async () => delay(200, source.one('7')()));
    await filled('7');
    await second?.get('7', source.one('7'));
    source.set('7', 'desk');
    // A draw as low as they come: due long before the end.
    vi.spyOn(Math, 'random').mockReturnValue(Number.MIN_VALUE);
    await redis.pexpire(keyOf('7'), 300);
    const now = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => now + 9_000);
    const release = source.hold();
    expect(await Promise.all([first, second, first].map((cache) => cache?.get('7', source.one('7'))))).toMatchObject([{ name: 'lamp' }, { name: 'lamp' }, { name: 'lamp' }]);
    await vi.waitFor(() => expect(source.asked).toEqual(['7', '7']), { timeout: 10_000 });
    release();
    await vi.waitFor(async () => expect(await first?.get('7', source.one('7'))).toMatchObject({ name: 'desk' }), { timeout: 10_000 });
    expect(source.asked).toEqual(['7', '7']);
  });
});

describe('while the source fails', () => {
  it('an old value serves, from memory and from Redis, until its bound', async () => {
    source.set('7', 'lamp');
    const [first, second] = caches({ redis: { ttlMs: 100 }, staleIfErrorMs: 1_500 });
    await first?.get('7', source.one('7'));
    await filled('7');
    await vi.waitFor(async () => expect(await redis.pttl(keyOf('7'))).toBeLessThan(1_500), { timeout: 10_000 });
    expect(await first?.get('7', failing)).toMatchObject({ name: 'lamp' });
    expect(await second?.get('7', failing)).toMatchObject({ name: 'lamp' });
    expect(await second?.getMany(['7'], failing)).toEqual(new Map([['7', expect.objectContaining({ name: 'lamp' })]]));
    expect(await outcomes(name)).toMatchObject({ stale: 3 });
    await vi.waitFor(async () => expect(await redis.exists(keyOf('7'))).toBe(0), { timeout: 10_000 });
    await vi.waitFor(() => expect(first?.get('7', failing)).rejects.toBe(lost), { timeout: 10_000 });
  });

  it('what was forgotten does not serve', async () => {
    source.set('7', 'lamp');
    const [first, second] = caches({ staleIfErrorMs: 60_000 });
    await first?.get('7', source.one('7'));
    await second?.get('7', source.one('7'));
    await first?.forget('7');
    await expect(first?.get('7', failing)).rejects.toBe(lost);
    await vi.waitFor(() => expect(second?.get('7', failing)).rejects.toBe(lost), { timeout: 10_000 });
  });

  it('no old value serves unless the cache allows it', async () => {
    source.set('7', 'lamp');
    const [first] = caches({ redis: { ttlMs: 50 } });
    await first?.get('7', source.one('7'));
    await vi.waitFor(() => expect(first?.get('7', failing)).rejects.toBe(lost), { timeout: 10_000 });
  });
});

describe('the source', () => {
  it('is asked by no more loads at once than the cache may begin', async () => {
    const [first] = caches({ concurrentLoads: 2 });
    let [running, most] = [0, 0];
    const load = async () => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 2));
      running -= 1;
      return { id: 1, name: 'lamp', tags: [] };
    };
    await Promise.all(Array.from({ length: 20 }, (_, index) => first?.get(String(index), load)));
    expect(most).toBe(2);
  });
});

describe('memory', () => {
  it('holds no more bytes than it was given', async () => {
    const [first] = caches({ memory: { entries: 1_000, ttlMs: 60_000, bytes: 10_000 } });
    for (let key = 0; key < 50; key += 1) {
      source.products.set(String(key), { id: key, name: 'x'.repeat(1_000), tags: [] });
      await first?.get(String(key), source.one(String(key)));
    }
    expect(first?.size).toBeGreaterThanOrEqual(8);
    expect(first?.size).toBeLessThanOrEqual(9);
  });
});

describe('a large value', () => {
  const large = { id: 7, name: 'a name that repeats itself '.repeat(500), tags: ['new'] };

  it('is compressed in Redis, and the same when it comes back', async () => {
    source.products.set('7', large);
    const [first, second] = caches();
    await first?.get('7', source.one('7'));
    await filled('7');
    expect(await redis.strlen(keyOf('7'))).toBeLessThan(500);
    expect(await second?.get('7', source.one('7'))).toEqual(large);
    expect(source.asked).toEqual(['7']);
  });

  it('that was forged to unpack to more than memory holds is a miss', () => {
    const codec = entryCodec<string>('forged:v1');
    expect(codec.decode(codec.encode('x'.repeat(17 * 1_048_576), 1))).toEqual({ kind: 'garbage' });
  });
});

describe('a value that is put', () => {
  const lamp = (tag: string): Product => ({ id: 7, name: 'lamp', tags: [tag] });

  it('is what every replica gets next, without asking the source', async () => {
    source.set('7', 'lamp');
    const [first, second] = caches();
    await second?.get('7', source.one('7'));
    await first?.put('7', lamp('second'), 2);
    await vi.waitFor(async () => expect(await second?.get('7', source.one('7'))).toEqual(lamp('second')), { timeout: 10_000 });
    expect(await first?.get('7', source.one('7'))).toEqual(lamp('second'));
    expect(source.asked).toEqual(['7']);
  });

  it('does not replace a later one', async () => {
    const [first, second] = caches();
    await first?.put('7', lamp('third'), 3);
    await second?.put('7', lamp('second'), 2);
    expect(await second?.get('7', source.one('7'))).toEqual(lamp('third'));
  });

  it('is not undone by a load that began before', async () => {
    source.set('7', 'lamp');
    const [first, second, third] = caches();
    const release = source.hold();
    const early = second?.get('7', source.one('7'));
    await vi.waitFor(() => expect(source.asked).toEqual(['7']), { timeout: 10_000 });
    await first?.put('7', lamp('second'), 2);
    release();
    await early;
    expect(await third?.get('7', source.one('7'))).toEqual(lamp('second'));
  });
});
