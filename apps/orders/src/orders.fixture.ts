import { randomUUID } from 'node:crypto';
import { Controller, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { allMessages, catalogCalls, inventoryCalls } from '@tenfold/contracts';
import type { ItemQuantity, Product, Stock, ValidRequestOf } from '@tenfold/contracts';
import { ShardedDatabase } from '@tenfold/database';
import { createTestDatabase } from '@tenfold/database/testing';
import { ensureTopics } from '@tenfold/jobs';
import { Answers, CallError } from '@tenfold/rpc';
import { startCallServer } from '@tenfold/rpc/testing';
import { HealthModule, readConfig } from '@tenfold/service';
import { outsideStatementBudget } from '@tenfold/telemetry';
import { inject } from 'vitest';
import { migrations } from './migrations/index.ts';
import { OrdersModule } from './orders.module.ts';
import { ordersSettings } from './orders.settings.ts';
import type { ArchivedMonth } from './archive/month.archive.ts';
import type { OrderArchive } from './archive/order.archive.ts';

type Catalog = typeof catalogCalls.calls;
type Inventory = typeof inventoryCalls.calls;

const secret = 'a secret of the tests, 32 characters or more';

/** Answers as the catalog service does for a catalog of two products. */
@Controller()
export class CatalogForTests {
  readonly products: readonly Product[] = [productOf(1, 1999), productOf(2, 350)];

  @Answers(catalogCalls.calls.getProducts)
  getProducts({ ids }: ValidRequestOf<Catalog['getProducts']>): { items: Product[] } {
    return { items: this.products.filter(({ id }) => ids.includes(id)) };
  }

  @Answers(catalogCalls.calls.getProduct)
  getProduct({ id }: ValidRequestOf<Catalog['getProduct']>): Product {
    const product = this.products.find((candidate) => candidate.id === id);
    if (!product) throw new CallError('not-found', `no product ${id}`);
    return product;
  }

  @Answers(catalogCalls.calls.listProducts)
  listProducts(): { items: []; next: null } {
    return { items: [], next: null };
  }

  @Answers(catalogCalls.calls.listCategories)
  listCategories(): { items: [] } {
    return { items: [] };
  }

  @Answers(catalogCalls.calls.changeProduct)
  changeProduct({ id }: ValidRequestOf<Catalog['changeProduct']>): Product {
    return this.getProduct({ id });
  }
}

function productOf(id: number, priceCents: number): Product {
  const updatedAt = '2026-01-01T00:00:00.000Z';
  return { id, name: `Product ${id}`, categoryId: id, priceCents, description: '', version: 1, updatedAt };
}

/**
 * Answers as the inventory service does: one reservation per order, which a release ends for good. What a test has run in
 * between is nobody's answer.
 */
@Controller()
export class InventoryForTests {
  /** What was reserved and not given back, by order. */
  readonly reserved = new Map<string, ItemQuantity[]>();
  readonly released = new Set<string>();
  /** Pieces that are left of every product. */
  available = Infinity;
  /** Runs before a reservation. */
  before: (orderId: string) => unknown = () => undefined;
  /** Runs between a reservation and its answer. */
  after: (orderId: string) => unknown = () => undefined;
  /** Runs before a release. */
  beforeRelease: (orderId: string) => unknown = () => undefined;

  reset(): void {
    this.reserved.clear();
    this.released.clear();
    this.available = Infinity;
    this.before = () => undefined;
    this.after = () => undefined;
    this.beforeRelease = () => undefined;
  }

  @Answers(inventoryCalls.calls.reserve)
  async reserve({ orderId, items }: ValidRequestOf<Inventory['reserve']>): Promise<Record<string, never>> {
    await outsideStatementBudget(() => this.before(orderId));
    if (this.released.has(orderId)) throw new CallError('reserved-differently', 'it was given back');
    const known = this.reserved.get(orderId);
    if (known && JSON.stringify(known) !== JSON.stringify(items)) throw new CallError('reserved-differently', 'other items');
    if (!known && items.some(({ quantity }) => quantity > this.available)) throw new CallError('out-of-stock', 'too little');
    this.reserved.set(orderId, items);
    await outsideStatementBudget(() => this.after(orderId));
    return {};
  }

  @Answers(inventoryCalls.calls.release)
  async release({ orderId }: ValidRequestOf<Inventory['release']>): Promise<Record<string, never>> {
    await outsideStatementBudget(() => this.beforeRelease(orderId));
    this.reserved.delete(orderId);
    this.released.add(orderId);
    return {};
  }

  @Answers(inventoryCalls.calls.getStock)
  getStock(): { items: Stock[] } {
    return { items: [] };
  }

  @Answers(inventoryCalls.calls.restock)
  restock({ productId }: ValidRequestOf<Inventory['restock']>): Stock {
    return { productId, available: 0, reserved: 0, version: 0 };
  }
}

@Module({ controllers: [CatalogForTests] })
class CatalogModule {}

@Module({ controllers: [InventoryForTests] })
class InventoryModule {}

export interface OrdersFixture {
  module: TestingModule;
  sharded: ShardedDatabase;
  inventory: InventoryForTests;
  /** Of the first shard. */
  primaryUrl: string;
  /** A new account on the given shard. */
  accountOn(shard: number): string;
  /** Runs SQL on the account's shard. */
  query<Row>(accountId: string, sql: string, parameters?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** The service's module as it ships, with a database on each of two servers, before call servers of the tests. */
export async function startOrders(): Promise<OrdersFixture> {
  const servers = inject('servers');
  const first = await createTestDatabase({ migrations });
  const second = await createTestDatabase({ migrations, primaryUrl: servers.postgresShard1, replicaUrls: [] });
  const catalog = await startCallServer(catalogCalls, CatalogModule, secret);
  const inventory = await startCallServer(inventoryCalls, InventoryModule, secret);
  await ensureTopics([servers.kafka], allMessages);
  const config = readConfig(ordersSettings, {
    REPLICA: 'orders-test',
    OPERATIONS_PORT: '1',
    CALLS_PORT: '1',
    CALLS_SECRET: secret,
    CALL_ADDRESSES_CATALOG: catalog.address,
    CALL_ADDRESSES_INVENTORY: inventory.address,
    DATABASE_SHARD_0_PRIMARY_URL: first.primaryUrl,
    DATABASE_SHARD_0_REPLICA_URLS: first.replicaUrls.join(','),
    DATABASE_SHARD_1_PRIMARY_URL: second.primaryUrl,
    KAFKA_BROKERS: servers.kafka,
  });
  const module = await Test.createTestingModule({ imports: [HealthModule.register(), OrdersModule.register(config)] }).compile();
  // Some of the tests make something fail, and each failure would be logged with its stack.
  Logger.overrideLogger(false);
  await module.init();
  const sharded = module.get(ShardedDatabase);
  // A busy machine may be too slow for the first look.
  for (const shard of sharded.all) while (!shard.primary) await Promise.all(shard.nodes.map((node) => node.sample()));
  return {
    module,
    sharded,
    inventory: inventory.app.get(InventoryForTests),
    primaryUrl: first.primaryUrl,
    accountOn(shard) {
      for (;;) {
        const accountId = randomUUID();
        if (sharded.of(accountId) === sharded.all[shard]) return accountId;
      }
    },
    query: <Row>(accountId: string, sql: string, parameters?: unknown[]) =>
      sharded.write(accountId, (tx) => tx.query<Row[]>(sql, parameters)),
    async close() {
      await module.close();
      await Promise.all([catalog.app.close(), inventory.app.close()]);
      await Promise.all([first.drop(), second.drop()]);
    },
  };
}

/** What moved to the object store. */
export async function archiveAll(archive: OrderArchive): Promise<ArchivedMonth[]> {
  const months: ArchivedMonth[] = [];
  for await (const month of archive.archiveOld(new Date())) months.push(month);
  return months;
}
