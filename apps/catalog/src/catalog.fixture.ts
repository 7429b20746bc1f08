import { randomInt } from 'node:crypto';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { catalogCalls, productChanged } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { createTestDatabase } from '@tenfold/database/testing';
import { ensureTopics } from '@tenfold/jobs';
import { freePort } from '@tenfold/local-cluster/testing';
import { callServer } from '@tenfold/rpc';
import { HealthModule, readConfig } from '@tenfold/service';
import { compareLsn, createContext, runInContext } from '@tenfold/telemetry';
import { inject } from 'vitest';
import { databaseName } from './catalog.freshness.ts';
import { CatalogModule } from './catalog.module.ts';
import { catalogSettings } from './catalog.settings.ts';
import type { CatalogConfig } from './catalog.settings.ts';
import { migrations } from './migrations/index.ts';

export interface CatalogFixture {
  app: INestMicroservice;
  config: CatalogConfig;
  /** Products of a new category, with ids in ascending order, which every replica of the database has. */
  addProducts(products: readonly { name: string; description?: string; priceCents?: number }[]): Promise<{ ids: number[]; category: number }>;
  close(): Promise<void>;
}

/** The service's module as it ships, with a database of its own, answering calls on `config.CALLS_PORT`. */
export async function startCatalog(environment: Record<string, string> = {}): Promise<CatalogFixture> {
  const servers = inject('servers');
  const database = await createTestDatabase({ migrations });
  await ensureTopics([servers.kafka], [productChanged]);
  const config = readConfig(catalogSettings, {
    REPLICA: 'catalog-test',
    OPERATIONS_PORT: '1',
    CALLS_PORT: String(await freePort()),
    CALLS_SECRET: 'a secret of the tests, 32 characters or more',
    DATABASE_PRIMARY_URL: database.primaryUrl,
    DATABASE_REPLICA_URLS: database.replicaUrls.join(','),
    CACHE_REDIS_URL: servers.cacheRedis,
    KAFKA_BROKERS: servers.kafka,
    ...environment,
  });
  const app = await NestFactory.createMicroservice(
    { module: CatalogForTests, imports: [HealthModule.register(), CatalogModule.register(config)] },
    { strategy: callServer(catalogCalls, config), logger: false },
  );
  await app.listen();
  // The tests share Redis: ids that no other test has, so that none finds another's products in the cache.
  let nextId = randomInt(1_000_000_000);
  return {
    app,
    config,
    async addProducts(products) {
      const ids = products.map(() => nextId++);
      const category = nextId++;
      const session = createContext();
      await runInContext(session, () =>
        app.get(Database).write(async (tx) => {
          await tx.query('insert into categories (id, name) values ($1, $2)', [category, `category ${category}`]);
          await tx.query(
            `insert into products (id, name, description, category_id, price_cents)
             select id, name, description, $4, price from unnest($1::int[], $2::text[], $3::text[], $5::int[]) as rows (id, name, description, price)`,
            [
              ids,
              products.map(({ name }) => name),
              products.map(({ description }) => description ?? ''),
              category,
              products.map(({ priceCents }) => priceCents ?? 100),
            ],
          );
        }),
      );
      await untilReplicasHave(app.get(Database), session.positions.get(databaseName) ?? '');
      return { ids, category };
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

class CatalogForTests {}

async function untilReplicasHave({ nodes }: Database, position: string): Promise<void> {
  for (const replica of nodes) {
    while (compareLsn(replica.lastSample?.position ?? '0/0', position) < 0) await replica.sample();
  }
}
