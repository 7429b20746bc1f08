import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { faultProxy } from '@tenfold/local-cluster/testing';
import type { FaultProxy } from '@tenfold/local-cluster/testing';
import { newSessionId } from './session-id.ts';
import { account, openStore } from './session.fixture.ts';
import type { StoreUnderTest } from './session.fixture.ts';
import type { SessionStore } from './session.store.ts';

const device = 'Firefox on Linux';
const options = { commandTimeoutMs: 100 };
let proxy: FaultProxy;
let opened: StoreUnderTest;
let store: SessionStore;

beforeAll(async () => {
  proxy = await faultProxy(inject('servers').sessionRedis);
  opened = await openStore(proxy.url, options);
  store = opened.store;
});

afterEach(async () => {
  await proxy.heal();
  await vi.waitFor(() => store.create({ device }), { timeout: 10_000 });
});

afterAll(async () => {
  await opened.close();
  await proxy.close();
});

const unavailable = { name: 'SessionError', code: 'store-unavailable' };

describe('when a connection loses count of its replies, the store', () => {
  /** Passes everything on; when told so, it repeats the last reply before the next one. */
  const stutteringProxy = async (target: { host: string; port: number }) => {
    let [last, repeat] = [Buffer.alloc(0), false];
    const server = createServer((client) => {
      const upstream = connect(target);
      client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
      upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
      client.on('data', (sent) => upstream.write(sent));
      upstream.on('data', (reply) => {
        client.write(repeat ? Buffer.concat([last, reply]) : reply);
        [last, repeat] = [reply, false];
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return { server, port: (server.address() as AddressInfo).port, repeatLastReply: () => (repeat = true) };
  };

  it('gives nobody the session of another', async () => {
    const { hostname, port } = new URL(inject('servers').sessionRedis);
    const stuttering = await stutteringProxy({ host: hostname, port: Number(port) });
    const through = new URL(inject('servers').sessionRedis);
    through.port = String(stuttering.port);
    const { store, close } = await openStore(through.href, options);
    onTestFinished(async () => {
      await close();
      stuttering.server.close();
    });
    const mine = await store.create({ device: 'mine' });
    const theirs = await store.create({ device: 'theirs' });
    await store.load(mine.id);
    stuttering.repeatLastReply();
    await expect(store.load(theirs.id)).rejects.toMatchObject({ code: 'store-unavailable' });
    await vi.waitFor(async () => expect(await store.load(theirs.id)).toMatchObject({ device: 'theirs' }), { timeout: 10_000 });
  });
});

describe('without its Redis, the store', () => {
  it.each([
    ['load', () => store.load(newSessionId())],
    ['create', () => store.create({ device })],
    ['rotate', () => store.rotate(newSessionId(), { account: account(), device })],
    ['setCartItem', () => store.setCartItem(newSessionId(), 1, 1)],
    ['removeCartItem', () => store.removeCartItem(newSessionId(), 1)],
    ['clearCart', () => store.clearCart(newSessionId())],
    ['savePositions', () => store.savePositions(newSessionId(), new Map([['catalog', '0/1']]))],
    ['end', () => store.end(newSessionId())],
    ['list', () => store.list('someone')],
    ['endOne', () => store.endOne('someone', 'handle')],
    ['endOthers', () => store.endOthers('someone', newSessionId())],
    ['endAll', () => store.endAll('someone')],
    ['readClock', () => store.readClock()],
  ])('refuses to %s instead of answering that there is no session', async (_name, operation) => {
    await proxy.refuse();
    await expect(operation()).rejects.toMatchObject(unavailable);
  });

  it('gives up on a Redis that does not answer', async () => {
    proxy.stall();
    await expect(store.load(newSessionId())).rejects.toMatchObject(unavailable);
  });

  it('leaves a slow Redis alone after five timeouts, fails at once, and tries again', async () => {
    const { id } = await store.create({ device });
    proxy.delay(2_000);
    await Promise.allSettled(Array.from({ length: 5 }, () => store.load(id)));
    const error = await store.load(id).catch((error: unknown) => error);
    expect(error).toMatchObject({ ...unavailable, cause: { message: expect.stringContaining('left alone') } });
    await proxy.heal();
    await vi.waitFor(async () => expect(await store.load(id)).toMatchObject({ device }), { timeout: 10_000 });
  });

  it('keeps no personal data in its errors', async () => {
    proxy.stall();
    const error = await store.create({ account: account(), device }).catch((error: unknown) => error);
    expect(error).toMatchObject(unavailable);
    expect(Object.keys((error as Error).cause as Error)).not.toContain('command');
  });

  it('finds the sessions again once Redis is back', async () => {
    const { id } = await store.create({ device });
    await proxy.refuse();
    await expect(store.load(id)).rejects.toMatchObject(unavailable);
    await proxy.heal();
    await vi.waitFor(async () => expect(await store.load(id)).toMatchObject({ device }), { timeout: 10_000 });
  });

  it('replaces a connection that has gone silent', async () => {
    const { id } = await store.create({ device });
    proxy.stall();
    await expect(store.load(id)).rejects.toMatchObject(unavailable);
    await proxy.heal();
    await vi.waitFor(async () => expect(await store.load(id)).toMatchObject({ device }), { timeout: 10_000 });
  });

  it('writes nothing late: what failed during the outage is not sent afterwards', async () => {
    const { id } = await store.create({ device });
    await proxy.refuse();
    await store.setCartItem(id, 7, 1).catch(() => undefined);
    await proxy.heal();
    await vi.waitFor(async () => expect((await store.load(id))?.cart).toEqual(new Map()), { timeout: 10_000 });
  });

  it('boots, and works when Redis comes', async () => {
    await proxy.refuse();
    const late = await openStore(proxy.url, options);
    await expect(late.store.create({ device })).rejects.toMatchObject(unavailable);
    await proxy.heal();
    await vi.waitFor(() => late.store.create({ device }), { timeout: 10_000 });
    expect((await late.store.create({ device })).session.device).toBe(device);
    await late.close();
  });
});
