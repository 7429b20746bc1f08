import type { Logger } from '@nestjs/common';
import { gatherWrites } from '@tenfold/service';
import { measureRedis } from '@tenfold/telemetry';
import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { timeOutCommands } from './command.timeouts.ts';
import { sessionScripts } from './session.scripts.ts';
import type { SessionConnection, SessionRedis } from './session.scripts.ts';

export interface ConnectionOptions {
  url: string;
  /** Whether the server is a node of a Redis Cluster, of which the others are learned. */
  cluster: boolean;
  commandTimeoutMs: number;
  logger: Logger;
}

const retryDelay = (attempt: number) => Math.min(50 * attempt, 500) + Math.random() * 50;

/**
 * A connection that fails fast: while Redis is away a command is refused at once instead of queued, one that gets no
 * answer fails after `commandTimeoutMs`, none is sent twice, and a silent connection is replaced. After a failover it
 * finds the new primary: in a cluster by asking the nodes, else because a former primary, which has become read-only,
 * is left for whatever the address stands for now.
 */
export function connectToSessions({ url, cluster, commandTimeoutMs, logger }: ConnectionOptions): SessionRedis {
  const options = {
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 1_000,
    socketTimeout: 2 * commandTimeoutMs,
  } satisfies RedisOptions;
  const redis: SessionConnection = cluster
    ? clusterOf(url, options)
    : new Redis(url, {
        ...options,
        lazyConnect: true,
        enableOfflineQueue: false,
        retryStrategy: retryDelay,
        reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
        scripts: sessionScripts,
      });
  if (redis instanceof Cluster) redis.on('+node', gatherWrites);
  else gatherWrites(redis);
  measureRedis(redis, 'session');
  timeOutCommands(redis, commandTimeoutMs);
  let reported = false;
  redis.on('error', (error: Error) => {
    if (!reported) logger.warn(`Redis of the sessions: ${error.message}`);
    reported = true;
  });
  redis.on('ready', () => {
    if (reported) logger.log('Redis of the sessions is back');
    reported = false;
  });
  return redis as SessionRedis;
}

function clusterOf(url: string, options: Pick<RedisOptions, never>): Cluster {
  const { hostname, port, username, password, protocol } = new URL(url);
  return new Cluster([{ host: hostname, port: Number(port || 6379) }], {
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: retryDelay,
    slotsRefreshInterval: 5_000,
    scripts: sessionScripts,
    redisOptions: {
      ...options,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
  });
}
