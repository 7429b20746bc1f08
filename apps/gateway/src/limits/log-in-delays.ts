import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { Problem, retryLater } from '../problems/problem.ts';
import { clientNetwork } from './client-address.ts';
import { LimitsConnection } from './limits.connection.ts';

/** How log-ins to one account slow down: so many attempts are free, then each waits twice as long as the one before. */
interface Slowdown {
  free: number;
  longestMs: number;
}

/** By account and network: who guesses here waits up to a quarter of an hour, and nobody else does. */
const here: Slowdown = { free: 10, longestMs: 900_000 };

/**
 * By account alone, against guessing from many networks at once. The wait is short, since it is also the owner's: an
 * attacker must not be able to lock them out (OWASP Authentication Cheat Sheet, account lockout).
 */
const everywhere: Slowdown = { free: 30, longestMs: 30_000 };

/** Attempts are forgotten after a day without one. */
const rememberMs = 86_400_000;

/**
 * KEYS: attempts at an account. ARGV: free attempts, longest wait, milliseconds to remember. Counts an attempt and returns
 * 0, or returns the milliseconds until one is allowed. Counted before the password is checked, many at once count, too.
 */
const attempt = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left = tonumber(redis.call('HGET', KEYS[1], 'notBefore') or '0') - now
if left > 0 then return left end
local attempts = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
local over = attempts - tonumber(ARGV[1])
if over >= 0 then
  local wait = math.min(1000 * 2 ^ math.min(over, 20), tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 'notBefore', string.format('%.0f', now + wait))
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 0
`;

interface Attempts extends Redis {
  attemptLogIn(key: string, free: number, longestMs: number, rememberMs: number): Promise<number>;
}

/** Makes guessing a password slower with every guess. Attempts are kept in the sessions' Redis, without which no log-in succeeds anyway. */
@Injectable()
export class LogInDelays implements OnModuleInit {
  readonly #redis: Attempts;

  constructor({ redis }: LimitsConnection) {
    this.#redis = redis as Attempts;
  }

  onModuleInit(): void {
    this.#redis.defineCommand('attemptLogIn', { lua: attempt, numberOfKeys: 1 });
  }

  /**
   * Counts an attempt before its password is checked.
   *
   * @throws Problem `too-many-requests` with the time to wait, counting nothing; `unavailable` without Redis
   */
  async attempt(email: string, address: string): Promise<void> {
    const [byNetwork, byAccount] = keysOf(email, address);
    const waits = await Promise.all([
      this.#redis.attemptLogIn(byNetwork, here.free, here.longestMs, rememberMs),
      this.#redis.attemptLogIn(byAccount, everywhere.free, everywhere.longestMs, rememberMs),
    ]).catch((cause: unknown) => {
      throw retryLater('unavailable', undefined, cause);
    });
    const waitMs = Math.max(...waits);
    if (waitMs === 0) return;
    const seconds = String(Math.ceil(waitMs / 1000));
    throw new Problem('too-many-requests', `Too many attempts at this account. Wait ${seconds} s.`, { headers: { 'retry-after': seconds } });
  }

  /** Forgets the attempts of who has logged in. What was tried from elsewhere still counts there. */
  async succeed(email: string, address: string): Promise<void> {
    // The log-in stands, whether this succeeds or not: then the next one may have to wait.
    await this.#redis.unlink(...keysOf(email, address)).catch(() => undefined);
  }
}

/** Hashed, since limits need not know who it was. */
function keysOf(email: string, address: string): [byNetwork: string, byAccount: string] {
  const account = hash('sha256', email, 'base64url');
  return [`limit:attempts:{${account}}:${clientNetwork(address)}`, `limit:attempts:{${account}}`];
}
