import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inventoryCalls } from '@tenfold/contracts';
import { createTestDatabase } from '@tenfold/database/testing';
import { freePort } from '@tenfold/local-cluster/testing';
import { callServer } from '@tenfold/rpc';
import { HealthModule, readConfig } from '@tenfold/service';
import { inject } from 'vitest';
import { InventoryModule } from './inventory.module.ts';
import { inventorySettings } from './inventory.settings.ts';
import type { InventoryConfig } from './inventory.settings.ts';
import { migrations } from './migrations/index.ts';

export interface InventoryFixture {
  app: INestMicroservice;
  config: InventoryConfig;
  close(): Promise<void>;
}

/** The service's module as it ships, with a database of its own, answering calls on `config.CALLS_PORT`. */
export async function startInventory(environment: Record<string, string> = {}): Promise<InventoryFixture> {
  const database = await createTestDatabase({ migrations });
  const config = readConfig(inventorySettings, {
    REPLICA: 'inventory-test',
    OPERATIONS_PORT: '1',
    CALLS_PORT: String(await freePort()),
    CALLS_SECRET: 'a secret of the tests, 32 characters or more',
    DATABASE_PRIMARY_URL: database.primaryUrl,
    DATABASE_REPLICA_URLS: database.replicaUrls.join(','),
    CACHE_REDIS_URL: inject('servers').cacheRedis,
    // Tests share a Redis, and product ids.
    CACHE_OFF: '*',
    ...environment,
  });
  const app = await NestFactory.createMicroservice(
    { module: InventoryForTests, imports: [HealthModule.register(), InventoryModule.register(config)] },
    { strategy: callServer(inventoryCalls, config), logger: false },
  );
  await app.listen();
  return {
    app,
    config,
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

class InventoryForTests {}
