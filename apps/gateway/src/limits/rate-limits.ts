import { Inject, Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';
import type { LimitName } from './limited-by.decorator.ts';
import { LimitsConnection } from './limits.connection.ts';

const windowSeconds = 60;

export interface Allowance {
  allowed: boolean;
  /** Requests per minute. */
  limit: number;
  remaining: number;
  /** Whole seconds until the count begins anew, at least 1. */
  resetSeconds: number;
}

/**
 * Counts requests in a fixed window of a minute, for all replicas together in the sessions' Redis. Without Redis each
 * replica counts for itself: then limits are looser, but the shop stays open and never unlimited.
 */
@Injectable()
export class RateLimits {
  readonly #redis: Redis;
  readonly #limiters: Readonly<Record<LimitName, RateLimiterRedis>>;

  constructor(@Inject(gatewayConfig) config: GatewayConfig, { redis }: LimitsConnection) {
    this.#redis = redis;
    this.#limiters = {
      changes: this.#limiter('changes', config.RATE_LIMIT_PER_MINUTE),
      'log-in': this.#limiter('log-in', config.LOGIN_LIMIT_PER_MINUTE),
    };
  }

  /** Counts one request of `who`. */
  async consume(name: LimitName, who: string): Promise<Allowance> {
    const limiter = this.#limiters[name];
    try {
      return allowance(true, limiter.points, await limiter.consume(who));
    } catch (rejection) {
      if (rejection instanceof RateLimiterRes) return allowance(false, limiter.points, rejection);
      throw rejection;
    }
  }

  #limiter(name: LimitName, points: number): RateLimiterRedis {
    const options = { points, duration: windowSeconds };
    return new RateLimiterRedis({
      ...options,
      storeClient: this.#redis,
      keyPrefix: `limit:${name}`,
      rejectIfRedisNotReady: true,
      // Who is over the limit is refused from memory until the window ends.
      inMemoryBlockOnConsumed: points + 1,
      insuranceLimiter: new RateLimiterMemory(options),
    });
  }
}

function allowance(allowed: boolean, limit: number, counted: RateLimiterRes): Allowance {
  return {
    allowed,
    limit,
    remaining: Math.max(0, counted.remainingPoints),
    resetSeconds: Math.max(1, Math.ceil(counted.msBeforeNext / 1000)),
  };
}
