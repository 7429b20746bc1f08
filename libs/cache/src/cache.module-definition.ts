import { ConfigurableModuleBuilder } from '@nestjs/common';

export interface CacheModuleOptions {
  /** `redis://[user:password@]host:port[/database]`. The server may evict (`allkeys-lru`) and need not persist. */
  redisUrl: string;
  /** Name of the service: first part of every key. Replicas of one service share what they keep. */
  service: string;
  /** Names of caches that are switched off, so that every get loads; `*` for all. Default none. */
  off?: readonly string[];
  /** Milliseconds one command may take before the cache goes on without Redis. Default 150. */
  commandTimeoutMs?: number;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: cacheModuleOptions } =
  new ConfigurableModuleBuilder<CacheModuleOptions>({ moduleName: 'Cache' })
    .setExtras({ isGlobal: true }, (definition, extras) => ({ ...definition, global: extras.isGlobal }))
    .build();
