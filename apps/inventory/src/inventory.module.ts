import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { CacheModule } from '@tenfold/cache';
import { DatabaseModule } from '@tenfold/database';
import type { InventoryConfig } from './inventory.settings.ts';
import { ReservationBatch } from './reservation/reservation.batch.ts';
import { ReservationHandler } from './reservation/reservation.handler.ts';
import { ReservationRepository } from './reservation/reservation.repository.ts';
import { StockHandler } from './stock/stock.handler.ts';
import { StockDisplay } from './stock/stock.display.ts';
import { StockRepository } from './stock/stock.repository.ts';

/** Stock as a ledger of events: reserve, release, restock. */
@Module({
  controllers: [StockHandler, ReservationHandler],
  providers: [StockRepository, StockDisplay, ReservationBatch, ReservationRepository],
})
export class InventoryModule {
  static register(config: InventoryConfig): DynamicModule {
    return {
      module: InventoryModule,
      imports: [
        CacheModule.register({ redisUrl: config.CACHE_REDIS_URL, service: 'inventory', off: config.CACHE_OFF }),
        DatabaseModule.register({
          name: 'inventory',
          entities: [],
          primaryUrl: config.DATABASE_PRIMARY_URL,
          replicaUrls: config.DATABASE_REPLICA_URLS,
        }),
      ],
    };
  }
}
