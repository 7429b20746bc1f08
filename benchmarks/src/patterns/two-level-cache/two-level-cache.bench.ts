import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CacheModule, CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { Database, DatabaseModule } from '@tenfold/database';
import { HealthModule } from '@tenfold/service';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { askedFor, makeProducts } from '../catalog-rows.ts';
import { inFlight } from '../in-flight.ts';

interface Product {
  id: number;
  name: string;
  description: string;
  price_cents: number;
}

export default defineBench({
  title: 'A product by id, 20,000 of them, a third of the reads of the favourite hundredth, 16 at a time, all levels warm',
  unit: 'read',
  reference: 'without',
  goals: [
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.5 },
    { measure: 'loads per 1000 reads', of: 'with', atMost: 10 },
  ],
  servers: ['postgresql', 'cache-redis'],
  async setUp(surroundings) {
    const nodes = await makeProducts(surroundings.urls, 'prove_two_level_cache');
    return { with: await side(surroundings, nodes, []), without: await side(surroundings, nodes, ['*']) };
  },
});

/** @param off as `CACHE_OFF` */
async function side({ urls, onEnd }: Surroundings, nodes: { primaryUrl: string; replicaUrls: string[] }, off: string[]): Promise<Side> {
  @Module({
    imports: [
      HealthModule.register(),
      CacheModule.register({ redisUrl: urls.cacheRedis, service: `prove-${process.pid}`, off }),
      DatabaseModule.register({ name: 'prove', entities: [], poolSize: 10, ...nodes }),
    ],
  })
  class CatalogModule {}
  const app = await NestFactory.createApplicationContext(CatalogModule, { logger: false });
  onEnd(() => app.close());
  const database = app.get(Database);
  // A fortieth of the products fits into memory; the others are in Redis once the bench is warm.
  const products: Cache<Product> = app.get(CacheStore).cache<Product>({
    name: 'product',
    version: 1,
    memory: { entries: 500, ttlMs: 30_000 },
    redis: { ttlMs: 300_000 },
  });
  let loads = 0;
  const load = (id: number) =>
    database.read(async (reader) => {
      loads += 1;
      const [product] = await reader.query<Product[]>('SELECT * FROM products WHERE id = $1', [id]);
      return product;
    });
  return {
    async run(units) {
      loads = 0;
      const found = await inFlight(units, 16, (n) => {
        const id = askedFor(n);
        return products.get(String(id), () => load(id));
      });
      return { result: found.reduce((sum, product) => sum + (product?.price_cents ?? 0), 0), measures: { 'loads per 1000 reads': (1000 * loads) / units } };
    },
  };
}
