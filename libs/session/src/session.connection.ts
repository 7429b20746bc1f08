import type { Logger } from '@nestjs/common';
import { measureRedis } from '@tenfold/telemetry';
import { Redis } from 'ioredis';
import { sessionScripts } from './session.scripts.ts';
import type { SessionRedis } from './session.scripts.ts';

/**
 * A connection that fails fast: while Redis is away a command is refused at once instead of queued, one that gets no
 * answer fails after `commandTimeoutMs`, none is sent twice, and a silent connection is replaced.
 */
export function connectToSessions(url: string, commandTimeoutMs: number, logger: Logger): SessionRedis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 1_000,
    socketTimeout: 2 * commandTimeoutMs,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500) + Math.random() * 50,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    scripts: sessionScripts,
  });
  measureRedis(redis, 'session');
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
