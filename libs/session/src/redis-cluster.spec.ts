import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRedisCluster } from './redis-cluster.fixture.ts';
import type { RedisCluster } from './redis-cluster.fixture.ts';
import { hashSessionId } from './session-id.ts';
import { account, openStore } from './session.fixture.ts';
import type { SessionStore } from './session.store.ts';

const device = 'Firefox on Linux';
let cluster: RedisCluster;
let opened: Awaited<ReturnType<typeof openStore>>;
let store: SessionStore;

beforeAll(async () => {
  cluster = await startRedisCluster();
  opened = await openStore(cluster.url, { cluster: true });
  store = opened.store;
});

afterAll(async () => {
  await opened.close({ keepKeys: true });
  await cluster.stop();
});

describe('on a Redis Cluster, sessions', () => {
  it('stand on all of its nodes', async () => {
    for (let count = 0; count < 40; count += 1) await store.create({ device });
    for (const keys of await cluster.keysOfPrimaries()) expect(keys).toBeGreaterThan(0);
  });

  it('take another id at log-in and keep the cart, wherever they stand', async () => {
    for (let count = 0; count < 20; count += 1) {
      const { id: visitor } = await store.create({ device });
      await store.setCartItem(visitor, 7, 2);
      const { id } = await store.rotate(visitor, { account: account(), device });
      expect(await store.load(id)).toMatchObject({ cart: new Map([[7, 2]]) });
      expect(await store.load(visitor)).toBeUndefined();
    }
  });

  it('of one account are listed and ended, though on different nodes', async () => {
    const accountId = randomUUID();
    const sessions = await Promise.all(Array.from({ length: 10 }, () => store.create({ account: account(accountId), device })));
    expect(await store.list(accountId)).toHaveLength(10);
    expect(await store.endOne(accountId, sessions[0]?.session.handle ?? '')).toBe(true);
    expect(await store.endOthers(accountId, sessions[1]?.id ?? '')).toBe(8);
    expect(await store.endAll(accountId)).toBe(1);
  });

  it('are there again after the failover of their node', async () => {
    const { id } = await store.create({ account: account(), device });
    await store.setCartItem(id, 7, 2);
    await cluster.killPrimaryOf(`${opened.keyPrefix}:${hashSessionId(id)}`);
    await expect.poll(() => store.load(id).catch(() => undefined), { timeout: 20_000 }).toMatchObject({ device, cart: new Map([[7, 2]]) });
    await store.setCartItem(id, 8, 1);
    expect((await store.load(id))?.cart.size).toBe(2);
  });
});
