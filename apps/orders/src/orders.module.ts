import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { catalogCalls, inventoryCalls } from '@tenfold/contracts';
import { Cursors, ShardedDatabase, ShardedDatabaseModule } from '@tenfold/database';
import { OutboxModule } from '@tenfold/jobs';
import { CallsModule } from '@tenfold/rpc';
import { CheckoutHandler } from './checkout/checkout.handler.ts';
import { CheckoutReconciler, PAYMENT_LIMIT_MS } from './checkout/checkout.reconciler.ts';
import { CheckoutRepository } from './checkout/checkout.repository.ts';
import { CheckoutService } from './checkout/checkout.service.ts';
import { ArchiveHandler } from './archive/archive.handler.ts';
import { archiveStore } from './archive/archive.store.ts';
import { OrderArchive } from './archive/order.archive.ts';
import { OrderEntity } from './order/order.entity.ts';
import { OrderHandler } from './order/order.handler.ts';
import { OrderRepository } from './order/order.repository.ts';
import type { OrdersConfig } from './orders.settings.ts';
import { PaymentHandler } from './payment/payment.handler.ts';
import { PaymentRepository } from './payment/payment.repository.ts';
import { PartitionHandler } from './partition/partition.handler.ts';
import { PartitionRepository } from './partition/partition.repository.ts';

/** Checkout and order history, sharded by customer. */
@Module({
  controllers: [ArchiveHandler, CheckoutHandler, OrderHandler, PaymentHandler, PartitionHandler],
  providers: [CheckoutService, CheckoutRepository, CheckoutReconciler, OrderRepository, PaymentRepository, PartitionRepository],
})
export class OrdersModule {
  static register(config: OrdersConfig): DynamicModule {
    const security = { secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY };
    return {
      module: OrdersModule,
      providers: [
        { provide: PAYMENT_LIMIT_MS, useValue: config.ORDERS_PAYMENT_SECONDS * 1000 },
        { provide: Cursors, useFactory: () => new Cursors(config.CALLS_SECRET) },
        {
          provide: OrderArchive,
          inject: [ShardedDatabase],
          useFactory: async (sharded: ShardedDatabase) => {
            const location = config.ORDERS_ARCHIVE_URL ?? config.OBJECT_STORE_DIR;
            const store = location === undefined ? undefined : await archiveStore(location);
            return new OrderArchive(sharded, { store, keepMonths: config.ORDERS_KEEP_MONTHS });
          },
        },
      ],
      imports: [
        ShardedDatabaseModule.register({ name: 'orders', entities: [OrderEntity], shards: config.DATABASE_SHARDS, movable: true, monotonicReads: true }),
        OutboxModule.register({
          brokers: config.KAFKA_BROKERS,
          databases: (moduleRef) => [...moduleRef.get(ShardedDatabase, { strict: false }).all],
        }),
        CallsModule.register({ contract: catalogCalls, addresses: config.CALL_ADDRESSES_CATALOG, ...security }),
        CallsModule.register({ contract: inventoryCalls, addresses: config.CALL_ADDRESSES_INVENTORY, ...security }),
      ],
    };
  }
}
