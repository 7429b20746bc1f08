import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { LimitsConnection } from '../limits/limits.connection.ts';
import { retryLater } from '../problems/problem.ts';

/** How long the first answer is given again; clients that were told nothing ask again within minutes. */
const keptMs = 86_400_000;

/** How long a request may be under way; a replica that died with it blocks its key no longer than that. */
const underWayMs = 30_000;

export interface FirstAnswer {
  body: unknown;
  /** The header, where the first answer had one. */
  location?: string;
}

/** What stands under a key: a request under way, or how it was answered. */
export interface Standing {
  /** Of the request that came first. */
  bodyHash: string;
  answer?: FirstAnswer;
}

/** KEYS: key. ARGV: standing of a request under way, its milliseconds. Returns what stood there before. */
const begin = `
local standing = redis.call('GET', KEYS[1])
if not standing then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return standing
`;

interface Answers extends Redis {
  beginAnswer(key: string, standing: string, underWayMs: number): Promise<string | null>;
}

/** First answers by idempotency key, for all replicas together, in the sessions' Redis, which outlives a restart. */
@Injectable()
export class FirstAnswers implements OnModuleInit {
  readonly #logger = new Logger(FirstAnswers.name);
  readonly #redis: Answers;

  constructor({ redis }: LimitsConnection) {
    this.#redis = redis as Answers;
  }

  onModuleInit(): void {
    this.#redis.defineCommand('beginAnswer', { lua: begin, numberOfKeys: 1 });
  }

  /**
   * Takes a key for a request, unless it is taken: then what stands there.
   *
   * @throws Problem `unavailable` without Redis: nobody could say whether it is the first
   */
  async begin(key: string, bodyHash: string): Promise<Standing | undefined> {
    const standing: Standing = { bodyHash };
    const before = await this.#redis.beginAnswer(keyOf(key), JSON.stringify(standing), underWayMs).catch((cause: unknown) => {
      throw retryLater('unavailable', undefined, cause);
    });
    return before === null ? undefined : (JSON.parse(before) as Standing);
  }

  /** Keeps the answer. What was done stands, so a failure is only logged: within half a minute the key is free again. */
  async finish(key: string, standing: Standing): Promise<void> {
    await this.#redis.set(keyOf(key), JSON.stringify(standing), 'PX', keptMs).catch((error: unknown) => {
      this.#logger.warn({ err: error, msg: 'the first answer to an idempotency key could not be kept' });
    });
  }

  /** Frees the key of a request that did nothing. */
  async abandon(key: string): Promise<void> {
    await this.#redis.unlink(keyOf(key)).catch(() => undefined);
  }
}

function keyOf(key: string): string {
  return `idempotency:${key}`;
}
