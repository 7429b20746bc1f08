import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { HealthModule } from '@tenfold/service';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { makeProducts } from '../catalog-rows.ts';

interface Found {
  products: number;
}

/** Who ask at once for a value that is in no cache, on two replicas. */
const callers = 200;
const ttlMs = 60_000;

export default defineBench({
  title: `${callers} callers at once, on two replicas, of a value that has just ended; the source counts products by a word`,
  unit: 'end of an entry',
  reference: 'without',
  goals: [
    { measure: 'loads', of: 'with', atMost: 1 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 0.5 },
  ],
  servers: ['postgresql', 'cache-redis'],
  async setUp(surroundings) {
    const { primaryUrl } = await makeProducts(surroundings.urls, 'prove_single_flight');
    const source = new Pool({ connectionString: primaryUrl, max: 10 });
    surroundings.onEnd(() => source.end());
    let loads = 0;
    const load = async (): Promise<Found> => {
      loads += 1;
      const { rows } = await source.query<Found>("SELECT count(*)::int AS products FROM products WHERE name LIKE '%no. 1%'");
      return rows[0] as Found;
    };
    const side = (get: (key: string, replica: number) => Promise<Found | undefined>): Side => {
      let ends = 0;
      return {
        async run(units) {
          loads = 0;
          let found = 0;
          for (let unit = 0; unit < units; unit += 1) {
            // A key that nobody has asked for is as one that has ended.
            const key = `${(ends += 1)}`;
            const answers = await Promise.all(Array.from({ length: callers }, (_, caller) => get(key, caller % 2)));
            found += answers.reduce((sum, answer) => sum + (answer?.products ?? 0), 0);
          }
          return { result: found, measures: { loads: loads / units } };
        },
      };
    };
    return { with: side(await byTheCache(surroundings, load)), without: side(byHand(surroundings, load)) };
  },
});

type Get = (key: string, replica: number) => Promise<Found | undefined>;

async function byTheCache({ urls, onEnd }: Surroundings, load: () => Promise<Found>): Promise<Get> {
  const replicas: Cache<Found>[] = [];
  for (const replica of [0, 1]) {
    @Module({ imports: [HealthModule.register(), CacheModule.register({ redisUrl: urls.cacheRedis ?? '', service: `prove-flight-${process.pid}` })] })
    class ReplicaModule {}
    const app = await NestFactory.createApplicationContext(ReplicaModule, { logger: false });
    onEnd(() => app.close());
    replicas[replica] = app.get(CacheStore).cache<Found>({ name: 'found', version: 1, memory: { entries: 100, ttlMs }, redis: { ttlMs } });
  }
  return (key, replica) => (replicas[replica] as Cache<Found>).get(key, load);
}

/** Cache-aside as it is mostly written: look, load, put. */
function byHand({ urls, onEnd }: Surroundings, load: () => Promise<Found>): Get {
  const replicas = [0, 1].map(() => new Redis(urls.cacheRedis ?? ''));
  onEnd(() => replicas.forEach((redis) => redis.disconnect()));
  return async (key, replica) => {
    const redis = replicas[replica] as Redis;
    const name = `prove-by-hand-${process.pid}:${key}`;
    const kept = await redis.get(name);
    if (kept !== null) return JSON.parse(kept) as Found;
    const found = await load();
    await redis.set(name, JSON.stringify(found), 'PX', ttlMs);
    return found;
  };
}
