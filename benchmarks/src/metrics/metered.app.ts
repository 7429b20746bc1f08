import 'reflect-metadata';
import { Controller, Get, Inject, Module, Param } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { CacheModule, CacheStore } from '@tenfold/cache';
import type { Cache } from '@tenfold/cache';
import { Database, DatabaseModule } from '@tenfold/database';
import { Health, HealthModule } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import { SessionModule, SessionStore } from '@tenfold/session';
import { startProcessMetrics } from '@tenfold/telemetry';
import { productOf } from '../http/product.ts';

export interface MeteredOptions {
  metrics: 'on' | 'off';
  sessionRedis: string;
  cacheRedis: string;
  database: string;
  /** Different in each run, part of the cache's keys. */
  run: string;
}

@Controller('products')
class ProductController {
  readonly #products: Cache<ReturnType<typeof productOf>>;
  #session: Promise<{ id: string }> | undefined;

  constructor(
    @Inject(SessionStore) private readonly sessions: SessionStore,
    @Inject(Database) private readonly database: Database,
    @Inject(CacheStore) caches: CacheStore,
  ) {
    this.#products = caches.cache({ name: 'product', version: 1, memory: { entries: 100, ttlMs: 600_000 } });
  }

  @Get(':id')
  @RouteConfig({ statements: 1 })
  async get(@Param('id') id: string): Promise<unknown> {
    this.#session ??= this.sessions.create({ device: 'bench' });
    await this.sessions.load((await this.#session).id);
    await this.database.read((manager) => manager.query('SELECT 1 FROM pg_class WHERE oid = $1', [1]));
    return this.#products.get(id, async () => productOf(Number(id)));
  }
}

/** @returns the port on which it listens */
export async function serveMetered({ sessionRedis, cacheRedis, database, run }: MeteredOptions): Promise<number> {
  startProcessMetrics();
  const health = new Health();
  health.markRunning();
  const root = {
    module: MeteredModule,
    imports: [
      HealthModule.register(health),
      SessionModule.register({ redisUrl: sessionRedis, idleSeconds: 3600, absoluteSeconds: 3600 }),
      CacheModule.register({ redisUrl: cacheRedis, service: `bench-${run}` }),
      DatabaseModule.register({ name: 'bench', entities: [], primaryUrl: database, replicaUrls: [] }),
    ],
  };
  const app = await createHttpApp(root, {}, { health, logger: false, logAll: false });
  await app.listen(0, '127.0.0.1');
  return Number(new URL(await app.getUrl()).port);
}

@Module({ controllers: [ProductController] })
class MeteredModule {}
