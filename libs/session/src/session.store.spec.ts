import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { hashSessionId, newSessionId } from './session-id.ts';
import { account, openStore } from './session.fixture.ts';
import type { StoreUnderTest } from './session.fixture.ts';
import type { SessionStore } from './session.store.ts';
import { ageSession, spoilSession } from './testing.ts';

const device = 'Firefox on Linux';
let opened: StoreUnderTest;
let store: SessionStore;

beforeAll(async () => {
  opened = await openStore(inject('servers').sessionRedis);
  store = opened.store;
});

afterAll(() => opened.close());

const keyOf = (id: string) => `${opened.keyPrefix}:${hashSessionId(id)}`;
const visitor = async () => (await store.create({ device })).id;

describe('a session', () => {
  it('comes back as it was made', async () => {
    const ada = account();
    const { id, session } = await store.create({ account: ada, device });
    const loaded = await store.load(id);
    expect(loaded).toEqual({ ...session, lastUsedAt: expect.any(Date) });
    expect(loaded).toMatchObject({ account: ada, device, cart: new Map(), positions: new Map() });
  });

  it('leaves no trace of its id in Redis', async () => {
    const { id } = await store.create({ account: account(), device });
    const stored = await Promise.all([opened.redis.keys('*'), opened.redis.get(keyOf(id))]);
    expect(JSON.stringify(stored)).not.toContain(id);
  });

  it.each(['', 'short', `${newSessionId()}x`, '../../etc/passwd', newSessionId()])('does not exist for the id "%s"', async (id) => {
    expect(await store.load(id)).toBeUndefined();
  });

  it('is loaded in one round trip', async () => {
    const id = await visitor();
    await store.setCartItem(id, 1, 1);
    const monitor = await opened.redis.monitor();
    const sent: string[] = [];
    const seenAll = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, command: string[], source: string) => {
        if (command.includes('end of test')) resolve();
        else if (source !== 'lua' && command.includes(keyOf(id))) sent.push(command[0] as string);
      });
    });
    await store.load(id);
    await opened.redis.echo('end of test');
    await seenAll;
    monitor.disconnect();
    expect(sent).toEqual(['getex']);
  });

  it('takes no timer of its own while Redis is asked for it', async () => {
    const { id } = await store.create({ device });
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    await store.load(id);
    const before = timers();
    const loads = Array.from({ length: 100 }, () => store.load(id));
    await Promise.resolve();
    const meanwhile = timers();
    await Promise.all(loads);

    expect(meanwhile - before).toBeLessThanOrEqual(2);
  });

  it('is over when it ends', async () => {
    const id = await visitor();
    await store.end(id);
    expect(await store.load(id)).toBeUndefined();
  });

  it.each([
    ['a string', (key: string) => opened.redis.set(key, 'garbage')],
    ['a session of the older format, a hash', (key: string) => opened.redis.multi().del(key).hset(key, { handle: 'x', createdAt: Date.now() }).exec()],
    ['a format to come', (key: string) => spoilSession(opened.redis, key, 0, 3)],
    ['the session of somebody else', (key: string) => spoilSession(opened.redis, key, 1, hashSessionId(newSessionId()))],
    ['a date that is none', (key: string) => spoilSession(opened.redis, key, 4, 'never')],
    ['half an account', (key: string) => spoilSession(opened.redis, key, 6, ['x'])],
    ['a cart of words', (key: string) => spoilSession(opened.redis, key, 7, ['shoes', 'many'])],
  ])('is none when Redis holds %s', async (_what, spoil) => {
    const id = await visitor();
    await spoil(keyOf(id));
    expect(await store.load(id)).toBeUndefined();
  });

  it('is read past what a newer version added, which changes of this version keep', async () => {
    const id = await visitor();
    await spoilSession(opened.redis, keyOf(id), 9, 'dark');
    await store.setCartItem(id, 7, 2);
    expect(await store.load(id)).toMatchObject({ device, cart: new Map([[7, 2]]) });
    expect(await opened.redis.get(keyOf(id))).toContain('dark');
  });
});

describe('the limits of a session', () => {
  it('start the idle time anew with every load', async () => {
    const id = await visitor();
    await opened.redis.pexpire(keyOf(id), 5_000);
    await store.load(id);
    expect(await opened.redis.pttl(keyOf(id))).toBeGreaterThan(50_000);
  });

  it('never let the idle time reach past the absolute limit', async () => {
    const id = await visitor();
    await ageSession(opened.redis, keyOf(id), { began: 590, used: 0, idleSeconds: 60 });
    await store.load(id);
    await expect.poll(() => opened.redis.pttl(keyOf(id))).toBeLessThan(11_000);
  });

  it('end a session past the absolute limit, however busy', async () => {
    const id = await visitor();
    await ageSession(opened.redis, keyOf(id), { began: 601, used: 0, idleSeconds: 60 });
    expect(await store.load(id)).toBeUndefined();
    expect(await opened.redis.exists(keyOf(id))).toBe(0);
  });

  it('give every new session an end', async () => {
    const id = await visitor();
    expect(await opened.redis.pttl(keyOf(id))).toBeGreaterThan(0);
  });
});

describe('a cart', () => {
  it('loses nothing to concurrent changes', async () => {
    const id = await visitor();
    const products = Array.from({ length: 50 }, (_, index) => index + 1);
    await Promise.all(products.map((product) => store.setCartItem(id, product, product)));
    const session = await store.load(id);
    expect([...(session?.cart ?? [])].sort(([a], [b]) => a - b)).toEqual(products.map((product) => [product, product]));
  });

  it('holds no more than fifty products when many arrive at once', async () => {
    const id = await visitor();
    const attempts = Array.from({ length: 70 }, (_, index) => store.setCartItem(id, index + 1, 1));
    const refused = (await Promise.allSettled(attempts)).filter((attempt) => attempt.status === 'rejected');
    expect(refused).toHaveLength(20);
    expect(refused[0]?.reason).toMatchObject({ code: 'cart-full' });
    expect((await store.load(id))?.cart.size).toBe(50);
  });

  it('takes another quantity of what it holds even when it is full', async () => {
    const id = await visitor();
    for (let product = 1; product <= 50; product += 1) await store.setCartItem(id, product, 1);
    await store.setCartItem(id, 50, 9);
    expect((await store.load(id))?.cart.get(50)).toBe(9);
  });

  it.each([0, 100, 1.5, Number.NaN])('refuses the quantity %d', async (quantity) => {
    await expect(store.setCartItem(await visitor(), 1, quantity)).rejects.toThrow(RangeError);
  });

  it('loses what is removed from it', async () => {
    const id = await visitor();
    await store.setCartItem(id, 7, 1);
    await store.removeCartItem(id, 7);
    expect((await store.load(id))?.cart).toEqual(new Map());
  });

  it('keeps what changed since the order when the ordered items are cleared', async () => {
    const id = await visitor();
    await store.setCartItem(id, 1, 1);
    await store.setCartItem(id, 2, 1);
    const ordered = (await store.load(id))?.cart;
    await store.setCartItem(id, 2, 5);
    await store.setCartItem(id, 3, 1);
    await store.clearCart(id, ordered);
    expect((await store.load(id))?.cart).toEqual(new Map([[2, 5], [3, 1]]));
  });

  it('is empty after it was cleared as a whole', async () => {
    const id = await visitor();
    await store.setCartItem(id, 1, 1);
    await store.clearCart(id);
    expect(await store.load(id)).toMatchObject({ device, cart: new Map() });
  });
});

describe('a session that is over', () => {
  it.each([
    ['setCartItem', (id: string) => store.setCartItem(id, 1, 1).catch(() => undefined)],
    ['removeCartItem', (id: string) => store.removeCartItem(id, 1)],
    ['clearCart', (id: string) => store.clearCart(id)],
    ['savePositions', (id: string) => store.savePositions(id, new Map([['catalog', '0/1']]))],
    ['end', (id: string) => store.end(id)],
  ])('is not brought back by %s', async (_name, write) => {
    const id = await visitor();
    await store.end(id);
    await write(id);
    expect(await opened.redis.exists(keyOf(id))).toBe(0);
  });

  it('tells so whoever puts something into its cart', async () => {
    await expect(store.setCartItem(newSessionId(), 1, 1)).rejects.toMatchObject({ code: 'session-ended' });
  });
});

describe('the last use of a session', () => {
  it('is told in lists by its idle time, and by itself once its absolute limit comes first', async () => {
    const accountId = randomUUID();
    const { id } = await store.create({ account: account(accountId), device });
    const usedAgo = async () => (await store.readClock()) - Number((await store.list(accountId))[0]?.lastUsedAt);
    await ageSession(opened.redis, keyOf(id), { began: 100, used: 30, idleSeconds: 60 });
    expect(Math.abs((await usedAgo()) - 30_000)).toBeLessThan(3_000);
    await store.load(id);
    expect(await usedAgo()).toBeLessThan(3_000);
    await ageSession(opened.redis, keyOf(id), { began: 590, used: 30, idleSeconds: 60 });
    await store.load(id);
    await expect.poll(() => opened.redis.pttl(keyOf(id))).toBeLessThan(11_000);
    expect(await usedAgo()).toBeLessThan(3_000);
  });
});

describe('positions', () => {
  it('keep the later LSN of each database', async () => {
    const id = await visitor();
    await store.savePositions(id, new Map([['catalog', '0/FF'], ['orders', '1/0']]));
    await store.savePositions(id, new Map([['catalog', '0/100'], ['orders', '0/FFFFFFFF']]));
    expect((await store.load(id))?.positions).toEqual(new Map([['catalog', '0/100'], ['orders', '1/0']]));
  });
});

describe('a log-in', () => {
  it('gives a new id, keeps the cart and kills the old id', async () => {
    const old = await visitor();
    await store.setCartItem(old, 7, 2);
    const ada = account();
    const { id, session } = await store.rotate(old, { account: ada, device });
    expect(id).not.toBe(old);
    expect(session).toMatchObject({ account: ada, cart: new Map([[7, 2]]) });
    expect(await store.load(id)).toMatchObject({ account: ada, cart: new Map([[7, 2]]) });
    expect(await store.load(old)).toBeUndefined();
  });

  it('takes the cart along once when it happens twice at the same instant', async () => {
    const old = await visitor();
    await store.setCartItem(old, 7, 2);
    const both = await Promise.all([1, 2].map(() => store.rotate(old, { account: account(), device })));
    expect(both.filter(({ session }) => session.cart.size > 0)).toHaveLength(1);
  });

  it('works from a session that is over, or from none', async () => {
    const { session } = await store.rotate('no id at all', { account: account(), device });
    expect(session.cart.size).toBe(0);
  });

  it('does not hand the cart of one account to another', async () => {
    const { id: old } = await store.create({ account: account(), device });
    await store.setCartItem(old, 7, 2);
    const { session } = await store.rotate(old, { account: account(), device });
    expect(session.cart.size).toBe(0);
    expect(await store.load(old)).toBeUndefined();
  });
});

describe('the sessions of an account', () => {
  const logIn = (accountId: string, name = device) => store.create({ account: account(accountId), device: name });

  it('are listed even if their device gave no name', async () => {
    const accountId = randomUUID();
    const { session } = await logIn(accountId, '');
    expect(await store.list(accountId)).toMatchObject([{ handle: session.handle, device: '' }]);
  });

  it('are listed, the most recently used first, and no one else sees them', async () => {
    const accountId = randomUUID();
    const phone = await logIn(accountId, 'phone');
    const laptop = await logIn(accountId, 'laptop');
    await logIn(randomUUID(), 'stranger');
    await ageSession(opened.redis, keyOf(phone.id), { began: 100, used: 0, idleSeconds: 60 });
    await ageSession(opened.redis, keyOf(laptop.id), { began: 50, used: 40, idleSeconds: 60 });
    expect((await store.list(accountId)).map(({ handle }) => handle)).toEqual([phone.session.handle, laptop.session.handle]);
  });

  it('can be ended one by one by their handle', async () => {
    const accountId = randomUUID();
    const [phone, laptop] = [await logIn(accountId), await logIn(accountId)];
    expect(await store.endOne(accountId, phone.session.handle)).toBe(true);
    expect(await store.load(phone.id)).toBeUndefined();
    expect(await store.load(laptop.id)).toBeDefined();
  });

  it('cannot be ended by another account', async () => {
    const phone = await logIn(randomUUID());
    expect(await store.endOne(randomUUID(), phone.session.handle)).toBe(false);
    expect(await store.load(phone.id)).toBeDefined();
  });

  it('end all but one', async () => {
    const accountId = randomUUID();
    const [kept, ...others] = [await logIn(accountId), await logIn(accountId), await logIn(accountId)];
    expect(await store.endOthers(accountId, kept.id)).toBe(2);
    const alive = await Promise.all([kept, ...others].map(({ id }) => store.load(id)));
    expect(alive.map((session) => session !== undefined)).toEqual([true, false, false]);
  });

  it('leave the index when they are found to be over', async () => {
    const accountId = randomUUID();
    const { id } = await logIn(accountId);
    await store.end(id);
    expect(await store.list(accountId)).toEqual([]);
    expect(await opened.redis.zcard(`${opened.keyPrefix}:account:{${accountId}}`)).toBe(0);
  });

  it('are listed past one of the older format, which leaves the index', async () => {
    const accountId = randomUUID();
    const [older, newer] = [await logIn(accountId), await logIn(accountId)];
    await opened.redis.multi().del(keyOf(older.id)).hset(keyOf(older.id), { handle: 'x', createdAt: Date.now() }).exec();
    expect((await store.list(accountId)).map(({ handle }) => handle)).toEqual([newer.session.handle]);
    expect(await opened.redis.zcard(`${opened.keyPrefix}:account:{${accountId}}`)).toBe(1);
  });

  it('all end, on every replica, at once', async () => {
    const accountId = randomUUID();
    const sessions = [await logIn(accountId), await logIn(accountId), await logIn(accountId)];
    const stranger = await logIn(randomUUID());
    const replica = await openStore(inject('servers').sessionRedis, { keyPrefix: opened.keyPrefix });
    onTestFinished(() => replica.close({ keepKeys: true }));
    expect(await store.endAll(accountId)).toBe(3);
    for (const { id } of sessions) expect(await replica.store.load(id)).toBeUndefined();
    expect(await replica.store.load(stranger.id)).toBeDefined();
  });

  it('do not begin on a proof from before all were ended', async () => {
    const accountId = randomUUID();
    const provedAt = await store.readClock();
    await store.endAll(accountId);
    const beginning = { account: account(accountId), device, provedAt };
    await expect(store.create(beginning)).rejects.toMatchObject({ code: 'session-ended' });
    await expect(store.rotate(await visitor(), beginning)).rejects.toMatchObject({ code: 'session-ended' });
    expect(await store.list(accountId)).toEqual([]);
    await expect.poll(() => store.readClock()).toBeGreaterThan(provedAt + 1);
    await expect(store.create({ ...beginning, provedAt: await store.readClock() })).resolves.toBeDefined();
  });

  it('leave none alive when log-ins and the end of all race', async () => {
    const accountId = randomUUID();
    const provedAt = await store.readClock();
    await expect.poll(() => store.readClock()).toBeGreaterThan(provedAt);
    const logIns = Array.from({ length: 40 }, () => store.create({ account: account(accountId), device, provedAt }));
    const [, ...begun] = await Promise.allSettled([store.endAll(accountId), ...logIns]);
    const alive = await Promise.all(begun.map(async (one) => one.status === 'fulfilled' && (await store.load(one.value.id))));
    expect(alive.filter(Boolean)).toEqual([]);
    expect(await store.list(accountId)).toEqual([]);
  });
});

describe('the size of a session', () => {
  it('stays below 2 KB, whatever its owner does', async () => {
    const longest = { id: randomUUID(), email: `${'e'.repeat(242)}@example.com`, name: 'n'.repeat(100), role: 'customer' };
    const { id } = await store.create({ account: longest, device: 'd'.repeat(10_000) });
    const products = Array.from({ length: 60 }, (_, index) => 2_147_483_600 + index);
    await Promise.allSettled(products.map((product) => store.setCartItem(id, product, 99)));
    expect(await opened.redis.strlen(keyOf(id))).toBeGreaterThan(500);
    expect(await opened.redis.strlen(keyOf(id))).toBeLessThan(2048);
  });
});

describe('the clock of a replica', () => {
  afterEach(() => vi.useRealTimers());

  it.each([-5, 5])('may be %d minutes off without ending or prolonging anything', async (minutes) => {
    const { id, session } = await store.create({ account: account(), device });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
    const loaded = await store.load(id);
    expect(loaded?.createdAt).toEqual(session.createdAt);
    expect(Math.abs(Number(loaded?.lastUsedAt) - Number(session.createdAt))).toBeLessThan(30_000);
    expect(await opened.redis.pttl(keyOf(id))).toBeGreaterThan(50_000);
    const later = await store.create({ account: account(), device });
    vi.useRealTimers();
    expect(Number(later.session.createdAt)).toBeGreaterThanOrEqual(Number(session.createdAt));
    expect(Number(later.session.createdAt) - Number(session.createdAt)).toBeLessThan(30_000);
  });
});
