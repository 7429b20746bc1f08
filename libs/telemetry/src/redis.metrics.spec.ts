import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { measureRedis, registry } from './index.ts';

let redis: Redis;

beforeAll(async () => {
  redis = new Redis(inject('servers').cacheRedis, { lazyConnect: true });
  await redis.connect();
  measureRedis(redis, 'test');
});

afterAll(() => redis.disconnect());

async function valueOf(series: string): Promise<number> {
  const line = (await registry.metrics()).split('\n').find((row) => row.startsWith(`${series} `));
  return Number(line?.split(' ')[1] ?? 0);
}

test('every command is measured by its name, a failed one as well', async () => {
  await redis.set('test-redis-metrics', 'text', 'PX', 1000);
  await expect(redis.incr('test-redis-metrics')).rejects.toThrow('not an integer');

  expect(await valueOf('redis_command_duration_seconds_count{client="test",command="set"}')).toBe(1);
  expect(await valueOf('redis_command_duration_seconds_count{client="test",command="incr"}')).toBe(1);
});

test('commands sent in one go are one round trip, commands that wait for each other are several', async () => {
  const before = await valueOf('redis_round_trips_total{client="test"}');
  await Promise.all([redis.ping(), redis.ping(), redis.pipeline().ping().ping().exec()]);
  expect(await valueOf('redis_round_trips_total{client="test"}')).toBe(before + 1);

  await redis.ping();
  await redis.ping();
  expect(await valueOf('redis_round_trips_total{client="test"}')).toBe(before + 3);
});
