import { isWrongType } from './session.error.ts';
import { decodeRecord, sessionOf } from './session.record.ts';
import type { SessionRedis } from './session.scripts.ts';
import type { SessionSummary } from './session.ts';

/** For how long the end of all sessions of an account refuses log-ins that began before it; none takes longer. */
const rememberEndMs = 600_000;

interface Surroundings {
  redis: SessionRedis;
  prefix: string;
  idleMs: number;
  absoluteMs: number;
  /** By the clock of Redis. */
  now: () => number | Promise<number>;
}

/** A session in its account's index. */
interface Entry {
  member: string;
  handle: string;
  key: string;
}

/**
 * Which sessions an account has: an index that a session enters last and leaves after it has ended, so that none lives
 * outside of it. What Redis throws is thrown.
 */
export class AccountSessions {
  readonly #redis: SessionRedis;
  readonly #prefix: string;
  readonly #idleMs: number;
  readonly #absoluteMs: number;
  readonly #now: () => number | Promise<number>;

  constructor({ redis, prefix, idleMs, absoluteMs, now }: Surroundings) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#idleMs = idleMs;
    this.#absoluteMs = absoluteMs;
    this.#now = now;
  }

  /**
   * Adds a session, unless all sessions of the account were ended since its proof.
   *
   * @returns whether it was added
   */
  async add(accountId: string, { handle, hash, provedAt }: { handle: string; hash: string; provedAt: number | undefined }): Promise<boolean> {
    const keys = [this.#indexKey(accountId), this.#endedKey(accountId)] as const;
    return (await this.#redis.addToIndex(...keys, `${handle}.${hash}`, this.#absoluteMs, provedAt ?? '')) === 1;
  }

  /** Those that are not over; the others leave the index. */
  async list(accountId: string): Promise<SessionSummary[]> {
    const entries = await this.#entries(accountId);
    const found = await Promise.all(entries.map((entry) => this.#summaryOf(entry, accountId)));
    await this.#remove(accountId, entries.filter((_, index) => !found[index]));
    return found.filter((summary) => summary !== undefined);
  }

  /** Ends the session of that handle; returns how many there were. */
  async endOne(accountId: string, handle: string): Promise<number> {
    return this.#endEach(accountId, (await this.#entries(accountId)).filter((entry) => entry.handle === handle));
  }

  /** Ends all, and those that are being made on a proof from before; returns how many. */
  async endAll(accountId: string, keepKey?: string): Promise<number> {
    const members = await this.#redis.endAll(this.#indexKey(accountId), this.#endedKey(accountId), rememberEndMs);
    return this.#endEach(accountId, this.#entriesOf(members).filter((entry) => entry.key !== keepKey));
  }

  async #endEach(accountId: string, entries: readonly Entry[]): Promise<number> {
    const unlinked = await Promise.all(entries.map((entry) => this.#redis.unlink(entry.key)));
    // Only now: were the index cleaned first, a failure between the two would hide a living session.
    await this.#remove(accountId, entries);
    return unlinked.reduce((sum, count) => sum + count, 0);
  }

  async #remove(accountId: string, entries: readonly Entry[]): Promise<void> {
    if (entries.length > 0) await this.#redis.zrem(this.#indexKey(accountId), ...entries.map((entry) => entry.member));
  }

  async #entries(accountId: string): Promise<Entry[]> {
    return this.#entriesOf(await this.#redis.zrange(this.#indexKey(accountId), '0', '-1'));
  }

  #entriesOf(members: readonly string[]): Entry[] {
    return members.map((member) => {
      const [handle = '', hash = ''] = member.split('.');
      return { member, handle, key: `${this.#prefix}:${hash}` };
    });
  }

  async #summaryOf({ key, handle }: Entry, accountId: string): Promise<SessionSummary | undefined> {
    const [value, endsAt] = await Promise.all([this.#valueOf(key), this.#redis.pexpiretime(key)]);
    const record = value && decodeRecord(value);
    if (!record) return undefined;
    const { device, createdAt, lastUsedAt, account } = sessionOf(record, Math.max(record[5], endsAt - this.#idleMs));
    const isOver = Number(createdAt) + this.#absoluteMs <= (await this.#now());
    return account?.id === accountId && !isOver ? { handle, device, createdAt, lastUsedAt } : undefined;
  }

  async #valueOf(key: string): Promise<Buffer | null> {
    try {
      return await this.#redis.getBuffer(key);
    } catch (error) {
      if (isWrongType(error)) return null;
      throw error;
    }
  }

  #indexKey(accountId: string): string {
    return `${this.#prefix}:account:{${accountId}}`;
  }

  #endedKey(accountId: string): string {
    return `${this.#prefix}:ended:{${accountId}}`;
  }
}
