import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { bucketCount, bucketOf } from './bucket.ts';
import { ShardedDatabase } from './sharded-database.ts';

describe('a bucket', () => {
  test('of a key never changes', () => {
    const keys = ['', 'a', 'account-1', '018f3c7e-0000-7000-8000-000000000000', 'Zoë'];
    expect(keys.map((key) => bucketOf(key))).toMatchInlineSnapshot(`
      [
        738,
        550,
        309,
        144,
        371,
      ]
    `);
  });

  test('gets its share of random keys', () => {
    const counts = Array.from({ length: bucketCount }, () => 0);
    for (let count = 0; count < 100 * bucketCount; count += 1) {
      const bucket = bucketOf(randomUUID());
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(40);
    expect(Math.max(...counts)).toBeLessThan(170);
  });
});

describe('a sharded database', () => {
  let sharded: ShardedDatabase | undefined;

  afterEach(async () => {
    await sharded?.close();
    sharded = undefined;
  });

  const shards = () => {
    const { postgresPrimary, postgresShard1 } = inject('servers');
    return [postgresPrimary, postgresShard1].map((url) => ({
      primaryUrl: new URL('/postgres', url).href,
      replicaUrls: [],
    }));
  };
  const portOf = 'SELECT inet_server_port() AS port';

  test('sends each key to the server of its bucket', async () => {
    sharded = new ShardedDatabase({ name: 'orders', entities: [], shards: shards() });
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const [{ port }] = await sharded.of(key).read((manager) => manager.query<[{ port: number }]>(portOf));
      const expected = shards()[bucketOf(key) < bucketCount / 2 ? 0 : 1]?.primaryUrl;
      expect(expected).toContain(`:${port}/`);
    }
  });

  test('names its shards, so that each keeps a position of its own', () => {
    sharded = new ShardedDatabase({ name: 'orders', entities: [], shards: shards() });
    expect(sharded.all.map(({ name }) => name)).toEqual(['orders-0', 'orders-1']);
  });

  test('follows a bucket map', () => {
    const bucketMap = Array.from({ length: bucketCount }, () => 1);
    sharded = new ShardedDatabase({ name: 'orders', entities: [], shards: shards(), bucketMap });
    expect(sharded.of('any').name).toBe('orders-1');
  });

  test('refuses a bucket map that names no shard', () => {
    const bucketMap = Array.from({ length: bucketCount }, () => 2);
    expect(() => new ShardedDatabase({ name: 'orders', entities: [], shards: shards(), bucketMap })).toThrow(RangeError);
  });
});
