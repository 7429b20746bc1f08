import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Health } from '@tenfold/service';
import { inSpan, startSpan } from '@tenfold/telemetry';
import { connectToSessions } from './session.connection.ts';
import { SessionError } from './session.error.ts';
import { hashSessionId, isSessionId, newSessionHandle, newSessionId } from './session-id.ts';
import { countOperation } from './session.metrics.ts';
import type { SessionOperation } from './session.metrics.ts';
import { sessionModuleOptions } from './session.module-definition.ts';
import type { SessionModuleOptions } from './session.module-definition.ts';
import { decodeSession, encodeAccount } from './session.record.ts';
import type { SessionRedis, SessionReply } from './session.scripts.ts';
import { cartLimit, quantityLimit } from './session.ts';
import type { NewSession, Session, SessionAccount, SessionSummary } from './session.ts';

/** Longest name of a device that is kept; browsers send some 120 characters. */
const deviceLength = 200;

/** An index entry this young may belong to a session that is still being made. */
const indexGraceMs = 10_000;

interface IndexEntry {
  member: string;
  handle: string;
  key: string;
  /** Whether its session must exist by now. */
  settled: boolean;
}

/**
 * Sessions in Redis. Every method throws `SessionError('store-unavailable')`, fast, when Redis is not there; it never
 * answers "no session" for lack of an answer.
 */
@Injectable()
export class SessionStore implements OnModuleInit, OnApplicationShutdown {
  readonly #redis: SessionRedis;
  readonly #prefix: string;
  readonly #idleMs: number;
  readonly #absoluteMs: number;

  constructor(@Inject(sessionModuleOptions) options: SessionModuleOptions, health: Health) {
    this.#redis = connectToSessions(options.redisUrl, options.commandTimeoutMs ?? 500, new Logger(SessionStore.name));
    this.#prefix = options.keyPrefix ?? 'session';
    this.#idleMs = options.idleSeconds * 1000;
    this.#absoluteMs = options.absoluteSeconds * 1000;
    health.register({ name: 'session-redis', required: false, check: async () => void (await this.#redis.ping()) });
  }

  /** Connects; a Redis that is down does not stop the boot. */
  async onModuleInit(): Promise<void> {
    await this.#redis.connect().catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.#redis.disconnect();
  }

  /** The session of that id, if it is not over. One round trip, which also starts the idle time anew. */
  async load(id: string): Promise<Session | undefined> {
    if (!isSessionId(id)) return undefined;
    const startedAt = performance.now();
    const key = this.#sessionKey(id);
    const fields = await this.#run('load', startedAt, 1, async () =>
      this.#fieldsOf(key, await this.#redis.loadSessionBuffer(key, this.#idleMs, this.#absoluteMs)),
    );
    const session = typeof fields === 'number' ? undefined : decodeSession(fields);
    countOperation('load', session ? 'ok' : fields === 0 ? 'none' : 'garbage', startedAt);
    return session;
  }

  /** Begins a session, for a visitor or for an account. `device` is cut to 200 characters. */
  async create(values: { account?: SessionAccount; device: string }): Promise<NewSession> {
    return this.#begin('create', values);
  }

  /**
   * Replaces a session at log-in, atomically: a new id, the visitor's cart and positions kept, the old id dead. An old
   * session that is over, or another account's, leaves nothing behind. The absolute limit starts anew.
   */
  async rotate(id: string, values: { account: SessionAccount; device: string }): Promise<NewSession> {
    return this.#begin('rotate', values, isSessionId(id) ? id : undefined);
  }

  /**
   * Puts a product into the cart, or changes how many.
   *
   * @param quantity 1 to {@link quantityLimit}
   * @throws SessionError `cart-full` at the product after {@link cartLimit}, `session-ended` when there is nothing to write to
   * @throws RangeError for a quantity or id out of range
   */
  async setCartItem(id: string, productId: number, quantity: number): Promise<void> {
    assertInteger('product id', productId, Number.MAX_SAFE_INTEGER);
    assertInteger('quantity', quantity, quantityLimit);
    const startedAt = performance.now();
    const answer = await this.#run('set-cart-item', startedAt, 'ended', () =>
      this.#redis.setCartItem(this.#sessionKey(id), productId, quantity, cartLimit),
    );
    const outcomes = { ok: 'ok', ended: 'none', full: 'full' } as const;
    countOperation('set-cart-item', outcomes[answer], startedAt);
    if (answer === 'ended') throw new SessionError('session-ended', 'The session is over.');
    if (answer === 'full') throw new SessionError('cart-full', `The cart holds ${cartLimit} different products already.`);
  }

  /** Takes a product out of the cart; one that is not there, or a session that is over, is no error. */
  async removeCartItem(id: string, productId: number): Promise<void> {
    await this.#counted('remove-cart-item', () => this.#redis.hdel(this.#sessionKey(id), `cart:${productId}`));
  }

  /**
   * Empties the cart; a session that is over is no error.
   *
   * @param ordered only these, and only where the quantity is still the same: what another tab adds meanwhile stays
   */
  async clearCart(id: string, ordered?: ReadonlyMap<number, number>): Promise<void> {
    if (ordered?.size === 0) return;
    await this.#counted('clear-cart', () => this.#redis.clearCart(this.#sessionKey(id), ...[...(ordered ?? [])].flat()));
  }

  /** Remembers what this session's reads must have reached; of two positions of a database the later one stays. */
  async savePositions(id: string, positions: ReadonlyMap<string, string>): Promise<void> {
    if (positions.size === 0) return;
    await this.#counted('save-positions', () => this.#redis.savePositions(this.#sessionKey(id), ...[...positions].flat()));
  }

  /** Ends a session; one that is over already is no error. */
  async end(id: string): Promise<void> {
    await this.#counted('end', () => this.#redis.unlink(this.#sessionKey(id)));
  }

  /** The account's sessions, the most recently used first. */
  async list(accountId: string): Promise<SessionSummary[]> {
    const startedAt = performance.now();
    const summaries = await this.#run('list', startedAt, [], async () => {
      const entries = await this.#readIndex(accountId);
      const found = await Promise.all(entries.map((entry) => this.#summaryOf(entry, accountId)));
      const ended = entries.filter((entry, index) => entry.settled && !found[index]);
      if (ended.length > 0) await this.#redis.zrem(this.#indexKey(accountId), ...ended.map((entry) => entry.member));
      return found.filter((summary) => summary !== undefined);
    });
    countOperation('list', 'ok', startedAt);
    return summaries.sort((left, right) => right.lastUsedAt.valueOf() - left.lastUsedAt.valueOf());
  }

  /** Ends the account's session of that handle; false if it has none. */
  async endOne(accountId: string, handle: string): Promise<boolean> {
    const ended = await this.#endWhere('end-one', accountId, (entry) => entry.handle === handle);
    return ended > 0;
  }

  /** Ends all sessions of the account but the one with that id; returns how many. */
  async endOthers(accountId: string, keepId: string): Promise<number> {
    const keepKey = this.#sessionKey(keepId);
    return this.#endWhere('end-others', accountId, (entry) => entry.key !== keepKey);
  }

  async #begin(
    operation: 'create' | 'rotate',
    { account, device }: { account?: SessionAccount; device: string },
    oldId?: string,
  ): Promise<NewSession> {
    const startedAt = performance.now();
    const id = newSessionId();
    const handle = newSessionHandle();
    const key = this.#sessionKey(id);
    const keys = oldId === undefined ? [key] : [key, this.#sessionKey(oldId)];
    const fields = await this.#run(operation, startedAt, 1, async () => {
      // The index first: a session that it does not know could not be ended from elsewhere.
      if (account) {
        const member = `${handle}.${hashSessionId(id)}`;
        await this.#redis.addToIndex(this.#indexKey(account.id), member, this.#absoluteMs);
      }
      const limitMs = Math.min(this.#idleMs, this.#absoluteMs);
      const identity = account ? [account.id, encodeAccount(account)] : ['', ''];
      const values = [limitMs, handle, device.slice(0, deviceLength), ...identity];
      return this.#fieldsOf(key, await this.#redis.beginSessionBuffer(keys.length, ...keys, ...values));
    });
    const session = typeof fields === 'number' ? undefined : decodeSession(fields);
    countOperation(operation, session ? 'ok' : 'garbage', startedAt);
    if (!session) throw new SessionError('store-unavailable', 'Redis returned no session for the one that it just began.');
    return { id, session };
  }

  async #endWhere(
    operation: SessionOperation,
    accountId: string,
    matches: (entry: IndexEntry) => boolean,
  ): Promise<number> {
    const startedAt = performance.now();
    const ended = await this.#run(operation, startedAt, 0, async () => {
      const entries = (await this.#readIndex(accountId)).filter(matches);
      if (entries.length === 0) return 0;
      const unlinked = await Promise.all(entries.map((entry) => this.#redis.unlink(entry.key)));
      // Only now: were the index cleaned first, a failure between the two would hide a living session.
      const over = entries.filter((entry, index) => entry.settled || unlinked[index] === 1);
      if (over.length > 0) await this.#redis.zrem(this.#indexKey(accountId), ...over.map((entry) => entry.member));
      return unlinked.reduce((sum, count) => sum + count, 0);
    });
    countOperation(operation, ended > 0 ? 'ok' : 'none', startedAt);
    return ended;
  }

  async #readIndex(accountId: string): Promise<IndexEntry[]> {
    const [now, membersAndTimes] = await this.#redis.readIndex(this.#indexKey(accountId));
    const entries: IndexEntry[] = [];
    for (let index = 0; index + 1 < membersAndTimes.length; index += 2) {
      const member = membersAndTimes[index] as string;
      const [handle = '', hash = ''] = member.split('.');
      const settled = Number(now) - Number(membersAndTimes[index + 1]) > indexGraceMs;
      entries.push({ member, handle, key: `${this.#prefix}:${hash}`, settled });
    }
    return entries;
  }

  async #summaryOf({ key, handle }: IndexEntry, accountId: string): Promise<SessionSummary | undefined> {
    const [owner, device, createdAt, lastUsedAt] = await this.#redis.hmget(key, 'accountId', 'device', 'createdAt', 'lastUsedAt');
    // A device may have an empty name; what is missing is null.
    if (owner !== accountId || typeof device !== 'string' || !createdAt || !lastUsedAt) return undefined;
    return { handle, device, createdAt: new Date(Number(createdAt)), lastUsedAt: new Date(Number(lastUsedAt)) };
  }

  async #counted(operation: SessionOperation, send: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    const answer = await this.#run<unknown>(operation, startedAt, 0, send);
    countOperation(operation, answer === 0 ? 'none' : 'ok', startedAt);
  }

  /**
   * The fields, if the reply is to this very question. Replies are told apart by their order alone: were it ever lost on
   * a connection, each caller would get another one's session (https://openai.com/index/march-20-chatgpt-outage/).
   */
  #fieldsOf(key: string, reply: SessionReply): SessionReply[1] {
    if (Array.isArray(reply) && String(reply[0]) === key) return reply[1];
    this.#redis.disconnect(true);
    throw new Error('A reply of Redis belongs to another question; the connection was replaced.');
  }

  /** What Redis answers; `ifGarbage` when the key holds something other than a session. */
  async #run<Answer>(
    operation: SessionOperation,
    startedAt: number,
    ifGarbage: Answer,
    send: () => Promise<Answer>,
  ): Promise<Answer> {
    try {
      const span = startSpan(`session ${operation}`, 'client')?.set('db.system.name', 'redis');
      return await inSpan(span, send);
    } catch (cause) {
      if (cause instanceof Error && cause.message.startsWith('WRONGTYPE')) return ifGarbage;
      // ioredis puts the arguments here, among them personal data, and errors are logged.
      if (cause instanceof Error) Reflect.deleteProperty(cause, 'command');
      countOperation(operation, 'unavailable', startedAt);
      throw new SessionError('store-unavailable', 'The session store does not answer.', { cause });
    }
  }

  #sessionKey(id: string): string {
    return `${this.#prefix}:${hashSessionId(id)}`;
  }

  #indexKey(accountId: string): string {
    return `${this.#prefix}:account:${accountId}`;
  }
}

function assertInteger(what: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`Invalid ${what}: ${value}`);
}
