import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { CacheModule } from '@tenfold/cache';
import { Cursors, DatabaseModule } from '@tenfold/database';
import { ConsumersModule, OutboxModule } from '@tenfold/jobs';
import { databaseName, maximumLagMs } from './catalog.freshness.ts';
import type { CatalogConfig } from './catalog.settings.ts';
import { CategoryHandler } from './category/category.handler.ts';
import { CategoryService } from './category/category.service.ts';
import { ListingHandler } from './listing/listing.handler.ts';
import { ListingRepository } from './listing/listing.repository.ts';
import { ListingService } from './listing/listing.service.ts';
import { ProductChangedConsumer } from './product/product-changed.consumer.ts';
import { ProductEntity } from './product/product.entity.ts';
import { ProductHandler } from './product/product.handler.ts';
import { ProductRepository } from './product/product.repository.ts';
import { ProductService } from './product/product.service.ts';

/** Products: list, search, detail, change. */
@Module({
  controllers: [CategoryHandler, ListingHandler, ProductHandler],
  providers: [CategoryService, ListingService, ListingRepository, ProductService, ProductRepository, ProductChangedConsumer],
})
export class CatalogModule {
  static register(config: CatalogConfig): DynamicModule {
    return {
      module: CatalogModule,
      providers: [{ provide: Cursors, useFactory: () => new Cursors(config.CALLS_SECRET) }],
      imports: [
        DatabaseModule.register({
          name: databaseName,
          entities: [ProductEntity],
          primaryUrl: config.DATABASE_PRIMARY_URL,
          replicaUrls: config.DATABASE_REPLICA_URLS,
          maximumLagMs,
        }),
        CacheModule.register({ redisUrl: config.CACHE_REDIS_URL, service: 'catalog', off: config.CACHE_OFF }),
        OutboxModule.register({ brokers: config.KAFKA_BROKERS, instance: config.REPLICA }),
        ConsumersModule.register({ group: 'catalog', brokers: config.KAFKA_BROKERS, instance: config.REPLICA }),
      ],
    };
  }
}
