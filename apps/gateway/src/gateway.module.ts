import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { CacheModule } from '@tenfold/cache';
import { accountsCalls, catalogCalls, inventoryCalls, ordersCalls, workerCalls } from '@tenfold/contracts';
import { CallsModule } from '@tenfold/rpc';
import { SessionModule } from '@tenfold/session';
import { AccountController } from './accounts/account.controller.ts';
import { CartController } from './cart/cart.controller.ts';
import { CategoryController } from './categories/category.controller.ts';
import { gatewayConfig } from './gateway.settings.ts';
import type { GatewayConfig } from './gateway.settings.ts';
import { FirstAnswers } from './idempotency/first-answers.ts';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.ts';
import { LimitsConnection } from './limits/limits.connection.ts';
import { LogInDelays } from './limits/log-in-delays.ts';
import { RateLimitGuard } from './limits/rate-limit.guard.ts';
import { RateLimits } from './limits/rate-limits.ts';
import { objectStoreProvider } from './object-store.ts';
import { OrderBookController } from './orders/order-book.controller.ts';
import { OrderController } from './orders/order.controller.ts';
import { PictureController } from './pictures/picture.controller.ts';
import { PictureFiles } from './pictures/picture.files.ts';
import { ProblemFilter } from './problems/problem.filter.ts';
import { RequestValidationPipe } from './problems/request-validation.pipe.ts';
import { ProductAnswers } from './products/product.answers.ts';
import { ProductController } from './products/product.controller.ts';
import { ReportController } from './reports/report.controller.ts';
import { ReportEvents } from './reports/report-events.ts';
import { CurrentSessions } from './sessions/current-sessions.ts';
import { PositionsInterceptor } from './sessions/positions.interceptor.ts';
import { SessionController } from './sessions/session.controller.ts';
import { SessionCookie } from './sessions/session.cookie.ts';
import { SessionGuard } from './sessions/session.guard.ts';
import { SessionListController } from './sessions/session-list.controller.ts';
import { StockController } from './stock/stock.controller.ts';

@Module({})
export class GatewayModule {
  static register(config: GatewayConfig): DynamicModule {
    const security = { secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY };
    return {
      module: GatewayModule,
      imports: [
        SessionModule.register({
          redisUrl: config.SESSION_REDIS_URL,
          cluster: config.SESSION_REDIS_CLUSTER,
          idleSeconds: config.SESSION_IDLE_SECONDS,
          absoluteSeconds: config.SESSION_ABSOLUTE_SECONDS,
        }),
        CacheModule.register({ redisUrl: config.CACHE_REDIS_URL, service: 'gateway', off: config.CACHE_OFF }),
        CallsModule.register({ contract: accountsCalls, addresses: config.CALL_ADDRESSES_ACCOUNTS, ...security }),
        CallsModule.register({ contract: catalogCalls, addresses: config.CALL_ADDRESSES_CATALOG, ...security }),
        CallsModule.register({ contract: inventoryCalls, addresses: config.CALL_ADDRESSES_INVENTORY, ...security }),
        CallsModule.register({ contract: ordersCalls, addresses: config.CALL_ADDRESSES_ORDERS, ...security }),
        CallsModule.register({ contract: workerCalls, addresses: config.CALL_ADDRESSES_WORKER, ...security }),
      ],
      controllers: [
        AccountController,
        PictureController,
        SessionController,
        SessionListController,
        CategoryController,
        StockController,
        ProductController,
        CartController,
        OrderController,
        OrderBookController,
        ReportController,
      ],
      providers: [
        { provide: gatewayConfig, useValue: config },
        SessionCookie,
        CurrentSessions,
        LimitsConnection,
        RateLimits,
        LogInDelays,
        FirstAnswers,
        ProductAnswers,
        ReportEvents,
        objectStoreProvider,
        PictureFiles,
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_PIPE, useClass: RequestValidationPipe },
        // In this order: limits count by the account that the session names.
        { provide: APP_GUARD, useClass: SessionGuard },
        { provide: APP_GUARD, useClass: RateLimitGuard },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_INTERCEPTOR, useClass: PositionsInterceptor },
      ],
    };
  }
}
