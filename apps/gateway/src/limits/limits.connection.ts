import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { measureRedis } from '@tenfold/telemetry';
import { Redis } from 'ioredis';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';

/** The sessions' Redis, as limits use it: what it does not answer at once is decided without it. */
@Injectable()
export class LimitsConnection implements OnApplicationShutdown {
  readonly redis: Redis;

  constructor(@Inject(gatewayConfig) config: GatewayConfig) {
    this.redis = new Redis(config.SESSION_REDIS_URL, {
      connectionName: `${config.REPLICA}-limits`,
      // Counting must never be what a request waits for.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      commandTimeout: 200,
      retryStrategy: (attempt) => Math.min(attempt * 100, 2000),
    });
    measureRedis(this.redis, 'limits');
    const logger = new Logger(LimitsConnection.name);
    this.redis.on('error', (error) => logger.debug({ err: error, msg: 'limits are counted per replica' }));
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
