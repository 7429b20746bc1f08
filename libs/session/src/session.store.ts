import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Health } from '@tenfold/service';
import { inSpan, startSpan } from '@tenfold/telemetry';
import { AccountSessions } from './account.sessions.ts';
import { SessionBreaker } from './session.breaker.ts';
import { ServerClock } from './session.clock.ts';
import { connectToSessions } from './session.connection.ts';
import { isWrongType, SessionError } from './session.error.ts';
import { hashSessionId, isSessionId, newSessionHandle, newSessionId } from './session-id.ts';
import { countOperation } from './session.metrics.ts';
import type { SessionOperation } from './session.metrics.ts';
import { sessionModuleOptions } from './session.module-definition.ts';
import type { SessionModuleOptions } from './session.module-definition.ts';
import { decodeRecord, sessionOf } from './session.record.ts';
import type { SessionRedis } from './session.scripts.ts';
import { cartLimit, quantityLimit } from './session.ts';
import type { NewSession, Session, SessionAccount, SessionSummary } from './session.ts';

/** Longest name of a device that is kept; browsers send some 120 characters. */
const deviceLength = 200;

/** Whose session begins, and on what. */
export interface SessionBeginning {
  account?: SessionAccount;
  /** What the client calls itself; cut to 200 characters. */
  device: string;
  /**
   * What {@link SessionStore.readClock} said before the password was checked. If the account's sessions are all ended
   * meanwhile, because its password changed or it was disabled, the session does not begin. Without it, it always does.
   */
  provedAt?: number;
}

/**
 * Sessions in Redis. Every method throws `SessionError('store-unavailable')`, fast, when Redis is not there; it never
 * answers "no session" for lack of an answer.
 */
@Injectable()
export class SessionStore implements OnModuleInit, OnApplicationShutdown {
  readonly #redis: SessionRedis;
  readonly #breaker = new SessionBreaker(() => this.#redis.ping());
  readonly #clock = new ServerClock(async () => Number(await this.#redis.readClock(`${this.#prefix}:clock`)));
  readonly #ofAccounts: AccountSessions;
  readonly #prefix: string;
  readonly #idleMs: number;
  readonly #absoluteMs: number;

  constructor(@Inject(sessionModuleOptions) options: SessionModuleOptions, health: Health) {
    this.#redis = connectToSessions({
      url: options.redisUrl,
      cluster: options.cluster ?? false,
      commandTimeoutMs: options.commandTimeoutMs ?? 500,
      logger: new Logger(SessionStore.name),
    });
    this.#redis.on('ready', () => void this.#clock.set().catch(() => undefined));
    this.#prefix = options.keyPrefix ?? 'session';
    this.#idleMs = options.idleSeconds * 1000;
    this.#absoluteMs = options.absoluteSeconds * 1000;
    this.#ofAccounts = new AccountSessions({
      redis: this.#redis,
      prefix: this.#prefix,
      idleMs: this.#idleMs,
      absoluteMs: this.#absoluteMs,
      now: () => this.#now(),
    });
    health.register({ name: 'session-redis', required: false, check: async () => void (await this.#redis.ping()) });
  }

  /** Connects; a Redis that is down does not stop the boot. */
  async onModuleInit(): Promise<void> {
    await this.#redis.connect().catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.#breaker.close();
    this.#clock.close();
    this.#redis.disconnect();
  }

  /** The session of that id, if it is not over. One round trip, which also starts the idle time anew. */
  async load(id: string): Promise<Session | undefined> {
    if (!isSessionId(id)) return undefined;
    const startedAt = performance.now();
    const found = await this.#run('load', startedAt, 'garbage' as const, () => this.#find(id));
    const none = found === 'none' || found === 'garbage';
    countOperation('load', none ? found : 'ok', startedAt);
    return none ? undefined : found;
  }

  /**
   * Begins a session, for a visitor or for an account.
   *
   * @throws SessionError `session-ended` when the account's sessions were all ended since `provedAt`
   */
  async create(beginning: SessionBeginning): Promise<NewSession> {
    return this.#begin('create', beginning);
  }

  /**
   * Replaces a session at log-in, atomically: a new id, the visitor's cart and positions kept, the old id dead. An old
   * session that is over, or another account's, leaves nothing behind. The absolute limit starts anew.
   *
   * @throws SessionError `session-ended` when the account's sessions were all ended since `provedAt`
   */
  async rotate(id: string, beginning: SessionBeginning & { account: SessionAccount }): Promise<NewSession> {
    return this.#begin('rotate', beginning, isSessionId(id) ? id : undefined);
  }

  /** The time by which sessions are told, Redis' own, in milliseconds; for `provedAt`. */
  async readClock(): Promise<number> {
    const startedAt = performance.now();
    const now = await this.#run('read-clock', startedAt, '0', () => this.#redis.readClock(`${this.#prefix}:clock`));
    countOperation('read-clock', 'ok', startedAt);
    return Number(now);
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
    const whateverQuantity = 0;
    await this.#counted('remove-cart-item', () => this.#redis.clearCart(this.#sessionKey(id), productId, whateverQuantity));
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
    const summaries = await this.#run('list', startedAt, [], () => this.#ofAccounts.list(accountId));
    countOperation('list', 'ok', startedAt);
    return summaries.sort((left, right) => right.lastUsedAt.valueOf() - left.lastUsedAt.valueOf());
  }

  /** Ends the account's session of that handle; false if it has none. */
  async endOne(accountId: string, handle: string): Promise<boolean> {
    const startedAt = performance.now();
    const ended = await this.#run('end-one', startedAt, 0, () => this.#ofAccounts.endOne(accountId, handle));
    countOperation('end-one', ended > 0 ? 'ok' : 'none', startedAt);
    return ended > 0;
  }

  /** Ends all sessions of the account but the one with that id, and those that are being made; returns how many. */
  async endOthers(accountId: string, keepId: string): Promise<number> {
    return this.#endAll('end-others', accountId, this.#sessionKey(keepId));
  }

  /**
   * Ends all sessions of the account, and those that are being made on a proof from before; returns how many. For when
   * its password has changed or it was disabled: call it once that is committed. When it throws, call it again.
   */
  async endAll(accountId: string): Promise<number> {
    return this.#endAll('end-all', accountId);
  }

  async #begin(
    operation: 'create' | 'rotate',
    { account, device, provedAt }: SessionBeginning,
    oldId?: string,
  ): Promise<NewSession> {
    const startedAt = performance.now();
    const id = newSessionId(oldId);
    const handle = newSessionHandle();
    const key = this.#sessionKey(id);
    const keys = oldId === undefined ? [key] : [key, this.#sessionKey(oldId)];
    let refused = false;
    const value = await this.#run(operation, startedAt, undefined, async () => {
      const limitMs = Math.min(this.#idleMs, this.#absoluteMs);
      const identity = account ? [account.id, account.email, account.name, account.role] : [];
      const values = [limitMs, hashSessionId(id), handle, device.slice(0, deviceLength), ...identity];
      const begun = await this.#redis.beginSessionBuffer(keys.length, ...keys, ...values);
      this.#assertReplyTo(key, begun);
      if (account) {
        // Last: who ends all sessions meanwhile either finds this one in the index or keeps it out. Until it is in, nobody has its id.
        refused = !(await this.#ofAccounts.add(account.id, { handle, hash: hashSessionId(id), provedAt }));
        if (refused) await this.#redis.unlink(key);
      }
      return begun[1];
    });
    const record = value && decodeRecord(value);
    countOperation(operation, refused ? 'none' : record ? 'ok' : 'garbage', startedAt);
    if (refused) throw new SessionError('session-ended', 'All sessions of the account were ended while this one began.');
    if (!record) throw new SessionError('store-unavailable', 'Redis returned no session for the one that it just began.');
    return { id, session: sessionOf(record, record[4]) };
  }

  async #endAll(operation: 'end-all' | 'end-others', accountId: string, keepKey?: string): Promise<number> {
    const startedAt = performance.now();
    const ended = await this.#run(operation, startedAt, 0, () => this.#ofAccounts.endAll(accountId, keepKey));
    countOperation(operation, ended > 0 ? 'ok' : 'none', startedAt);
    return ended;
  }

  async #counted(operation: SessionOperation, send: () => Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    const answer = await this.#run<unknown>(operation, startedAt, 0, send);
    countOperation(operation, answer === 0 ? 'none' : 'ok', startedAt);
  }

  async #find(id: string): Promise<Session | 'none' | 'garbage'> {
    const hash = hashSessionId(id);
    const key = `${this.#prefix}:${hash}`;
    let value: Buffer | null = null;
    try {
      value = await this.#redis.getexBuffer(key, 'PX', this.#idleMs);
    } catch (error) {
      if (!isWrongType(error)) throw error;
    }
    const record = value ? decodeRecord(value) : undefined;
    if (record?.[1] !== hash) return this.#lookAgain(key, hash);
    const now = this.#clock.now() ?? (await this.#now());
    const left = record[4] + this.#absoluteMs - now;
    if (left <= 0) {
      await this.#redis.unlink(key);
      return 'none';
    }
    // Not waited for: who comes too late is refused by the line above, too.
    if (left < this.#idleMs) this.#redis.limitSession(key, this.#absoluteMs).catch(() => undefined);
    return sessionOf(record, now);
  }

  /** When a reply was not the session: whether there is none, or the reply was to another question. */
  async #lookAgain(key: string, hash: string): Promise<'none' | 'garbage'> {
    const reply = await this.#redis.lookAgainBuffer(key);
    this.#assertReplyTo(key, reply);
    const value = reply[1];
    if (typeof value === 'number') return value === 0 ? 'none' : 'garbage';
    if (decodeRecord(value)?.[1] === hash) this.#refuseReply();
    return 'garbage';
  }

  /** The time of Redis, which has to be asked only once. */
  #now(): number | Promise<number> {
    return this.#clock.now() ?? this.#clock.set().then(() => this.#clock.now() as number);
  }

  /**
   * Replies are told apart by their order alone: were it ever lost on a connection, each caller would get another one's
   * session (https://openai.com/index/march-20-chatgpt-outage/).
   */
  #assertReplyTo(key: string, reply: readonly unknown[]): void {
    if (!Array.isArray(reply) || String(reply[0]) !== key) this.#refuseReply();
  }

  #refuseReply(): never {
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
      this.#breaker.assertAsked();
      const span = startSpan(`session ${operation}`, 'client')?.set('db.system.name', 'redis');
      const answer = await inSpan(span, send);
      this.#breaker.answered();
      return answer;
    } catch (cause) {
      this.#breaker.failed(cause);
      if (isWrongType(cause)) return ifGarbage;
      // ioredis puts the arguments here, among them personal data, and errors are logged.
      if (cause instanceof Error) Reflect.deleteProperty(cause, 'command');
      countOperation(operation, 'unavailable', startedAt);
      throw new SessionError('store-unavailable', 'The session store does not answer.', { cause });
    }
  }

  #sessionKey(id: string): string {
    return `${this.#prefix}:${hashSessionId(id)}`;
  }
}

function assertInteger(what: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) throw new RangeError(`Invalid ${what}: ${value}`);
}
