import { CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { Health } from '@tenfold/service';
import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { Packr } from 'msgpackr';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';
import { productOf } from '../http/product.ts';

const keys = Array.from({ length: 100 }, (_, index) => String(index + 1));
type Product = ReturnType<typeof productOf>;
const hour = 3_600_000;

export default defineBench({
  title: 'A hundred products from a cache',
  unit: 'hundred',
  reference: 'memory, one batch',
  servers: ['cache-redis'],
  goals: [
    { measure: 'wall', of: 'Redis, one batch', to: 'memory, one batch', atLeast: 10 },
    { measure: 'wall', of: 'Redis, one batch', to: 'MGET and MessagePack alone', atMost: 2 },
    { measure: 'wall', of: 'Redis, one by one at once', to: 'Redis, one batch', atLeast: 2 },
  ],
  async setUp({ urls, onEnd }) {
    const url = urls.cacheRedis ?? '';
    const store = new CacheStore({ redisUrl: url, service: 'bench' }, new Health());
    await store.onModuleInit();
    onEnd(() => store.onApplicationShutdown());
    const redis = new Redis(url);
    onEnd(() => redis.disconnect());

    const memory = store.cache<Product>({ name: 'memory', version: 1, memory: { entries: 10_000, ttlMs: hour } });
    const shared = store.cache<Product>({ name: 'shared', version: 1, redis: { ttlMs: hour } });
    const load = async (missing: string[]) => new Map(missing.map((key) => [key, productOf(Number(key))]));
    await memory.getMany(keys, load);
    await shared.getMany(keys, load);

    const codec = new Packr({ useRecords: false });
    const plain = new LRUCache<string, Product>({ max: 10_000 });
    for (const key of keys) {
      plain.set(key, productOf(Number(key)));
      await redis.set(`bench-plain:${key}`, codec.pack(productOf(Number(key))));
    }
    const plainKeys = keys.map((key) => `bench-plain:${key}`);

    const side = (getAll: () => Promise<Iterable<Product | undefined>>): Side => ({
      async run(units) {
        let ids = 0;
        for (let unit = 0; unit < units; unit += 1) for (const product of await getAll()) ids += product?.id ?? 0;
        return { result: ids };
      },
    });
    const oneByOne = (cache: Cache<Product>) => async () => Promise.all(keys.map((key) => cache.get(key, async () => (await load([key])).get(key))));
    const inBatch = (cache: Cache<Product>) => async () => (await cache.getMany(keys, load)).values();
    return {
      'lru-cache alone': side(async () => keys.map((key) => plain.get(key))),
      'memory, one batch': side(inBatch(memory)),
      'memory, one by one': side(oneByOne(memory)),
      'MGET and MessagePack alone': side(async () => (await redis.mgetBuffer(plainKeys)).map((packed) => packed && (codec.unpack(packed) as Product)).filter((one) => one !== null)),
      'Redis, one batch': side(inBatch(shared)),
      'Redis, one by one at once': side(oneByOne(shared)),
    };
  },
});
