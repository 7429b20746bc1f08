import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigurationError, readConfig } from './config.loader.ts';
import {
  callAddresses,
  callServerSettings,
  databaseSettings,
  kafkaSettings,
  serviceSettings,
  shardSettings,
} from './service.settings.ts';

const service = { REPLICA: 'a-1', OPERATIONS_PORT: '21000' };
const secret = 's'.repeat(32);

function problemsOf(read: () => unknown): Record<string, string> {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigurationError) {
      return Object.fromEntries(error.problems.map(({ variable, expected }) => [variable, expected]));
    }
    throw error;
  }
  return {};
}

test('defaults stand in for what is absent or empty', () => {
  const config = readConfig({ ...serviceSettings, ...databaseSettings }, {
    ...service,
    HOST: '',
    DATABASE_PRIMARY_URL: 'postgresql://a:b@h:5432/d',
    DATABASE_REPLICA_URLS: '',
  });

  expect(config).toMatchObject({ HOST: '127.0.0.1', DRAIN_DELAY_MS: 5000, OPERATIONS_PORT: 21_000, DATABASE_REPLICA_URLS: [] });
});

test('every wrong variable is named with what is expected', () => {
  const problems = problemsOf(() =>
    readConfig({ ...serviceSettings, ...databaseSettings, ...kafkaSettings, ...callServerSettings }, {
      REPLICA: '',
      OPERATIONS_PORT: '99999',
      DRAIN_DELAY_MS: 'soon',
      LOG_LEVEL: 'loud',
      DATABASE_PRIMARY_URL: 'mysql://x',
      DATABASE_REPLICA_URLS: 'postgresql://a/b,http://x',
      KAFKA_BROKERS: 'nowhere',
      CALLS_PORT: '1',
      CALLS_SECRET: 'short',
    }),
  );

  expect(problems).toEqual({
    REPLICA: 'is missing: expected a string',
    OPERATIONS_PORT: 'expected at most 65535',
    DRAIN_DELAY_MS: 'expected a whole number',
    LOG_LEVEL: 'expected one of fatal, error, warn, info, debug, trace, silent',
    DATABASE_PRIMARY_URL: 'expected a URL such as postgresql://user:password@host:5432/database',
    DATABASE_REPLICA_URLS: 'entry 2: expected a URL such as postgresql://user:password@host:5432/database',
    KAFKA_BROKERS: 'entry 1: expected host:port',
    CALLS_SECRET: 'expected at least 32 characters',
  });
});

test('the message never shows a value', () => {
  const read = () => readConfig(callServerSettings, { CALLS_PORT: 'x', CALLS_SECRET: 'hunter2' });

  expect(read).toThrow(ConfigurationError);
  expect(JSON.stringify(problemsOf(read))).not.toContain('hunter2');
});

test('shards come as a list in the order of their numbers', () => {
  const config = readConfig(shardSettings, {
    DATABASE_SHARD_1_PRIMARY_URL: 'postgresql://b/x',
    DATABASE_SHARD_0_PRIMARY_URL: 'postgresql://a/x',
    DATABASE_SHARD_0_REPLICA_URLS: 'postgresql://c/x, postgresql://d/x',
  });

  expect(config.DATABASE_SHARDS).toEqual([
    { primaryUrl: 'postgresql://a/x', replicaUrls: ['postgresql://c/x', 'postgresql://d/x'] },
    { primaryUrl: 'postgresql://b/x', replicaUrls: [] },
  ]);
});

test('a gap between shards is an error', () => {
  const problems = problemsOf(() =>
    readConfig(shardSettings, {
      DATABASE_SHARD_0_PRIMARY_URL: 'postgresql://a/x',
      DATABASE_SHARD_2_PRIMARY_URL: 'postgresql://b/x',
    }),
  );

  expect(Object.keys(problems)).toEqual(['DATABASE_SHARD_1_PRIMARY_URL']);
});

test('without any shard the first one is asked for', () => {
  expect(Object.keys(problemsOf(() => readConfig(shardSettings, {})))).toEqual(['DATABASE_SHARD_0_PRIMARY_URL']);
});

test('each called service has its addresses, in one of three forms', () => {
  const config = readConfig(callAddresses('catalog', 'stock-keeper', 'orders'), {
    CALLS_SECRET: secret,
    CALL_ADDRESSES_CATALOG: '127.0.0.1:1,127.0.0.1:2',
    CALL_ADDRESSES_STOCK_KEEPER: 'dns:stock:7000',
    CALL_ADDRESSES_ORDERS: 'file:/run/orders',
  });

  expect(config.CALL_ADDRESSES_STOCK_KEEPER).toBe('dns:stock:7000');
  expect(Object.keys(problemsOf(() => readConfig(callAddresses('catalog'), { CALLS_SECRET: secret, CALL_ADDRESSES_CATALOG: 'x' })))).toEqual(['CALL_ADDRESSES_CATALOG']);
});

test('settings of one\'s own are plain zod fields', () => {
  expect(readConfig({ SIZE: z.coerce.number().default(3) }, {}).SIZE).toBe(3);
});
