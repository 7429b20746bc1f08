import { ConfigurableModuleBuilder } from '@nestjs/common';

export interface SessionModuleOptions {
  /** `redis://[user:password@]host:port[/database]`. The server should run `noeviction`: evicting would log people out. */
  redisUrl: string;
  /** Whether `redisUrl` is a node of a Redis Cluster, of which the others are learned. Default false. */
  cluster?: boolean;
  /** Seconds without a request after which a session is over. Counted by Redis' clock. */
  idleSeconds: number;
  /** Seconds after which a session is over however busy it is. Counted by Redis' clock from its creation or log-in. */
  absoluteSeconds: number;
  /**
   * Milliseconds one command may take before `store-unavailable`. Default 500. Raise it only if Redis is far away: with a
   * stalled Redis every request waits this long.
   */
  commandTimeoutMs?: number;
  /** First part of every key. Default `session`. Change it when several systems share one Redis. */
  keyPrefix?: string;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN: sessionModuleOptions } =
  new ConfigurableModuleBuilder<SessionModuleOptions>({ moduleName: 'Session' })
    .setExtras({ isGlobal: true }, (definition, extras) => ({ ...definition, global: extras.isGlobal }))
    .build();
