import { randomUUID } from 'node:crypto';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { HealthModule } from '@tenfold/service';
import { Redis } from 'ioredis';
import { SessionModule } from './session.module.ts';
import type { SessionModuleOptions } from './session.module-definition.ts';
import { SessionStore } from './session.store.ts';

/** A store as a service gets it, with keys of its own, and a plain connection to look behind it. */
export interface StoreUnderTest {
  store: SessionStore;
  redis: Redis;
  keyPrefix: string;
  /** @param keepKeys for a second store with the keys of another one */
  close(options?: { keepKeys: boolean }): Promise<void>;
}

export async function openStore(redisUrl: string, options: Partial<SessionModuleOptions> = {}): Promise<StoreUnderTest> {
  const keyPrefix = options.keyPrefix ?? `test-session-${randomUUID()}`;
  const module: TestingModule = await Test.createTestingModule({
    imports: [
      HealthModule.register(),
      SessionModule.register({ redisUrl, idleSeconds: 60, absoluteSeconds: 600, ...options, keyPrefix }),
    ],
  }).compile();
  module.useLogger(false);
  await module.init();
  const redis = new Redis(redisUrl, { lazyConnect: true });
  return {
    store: module.get(SessionStore),
    redis,
    keyPrefix,
    async close({ keepKeys } = { keepKeys: false }) {
      const keys = keepKeys ? [] : await redis.keys(`${keyPrefix}:*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
      await module.close();
    },
  };
}

export const account = (id: string = randomUUID()) => ({ id, email: 'ada@example.com', name: 'Ada', role: 'customer' });
