import 'reflect-metadata';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ShardedDatabase, ShardedDatabaseModule } from '@tenfold/database';
import { HealthModule } from '@tenfold/service';
import { makeDatabase, withClient } from '../../database/bench.database.ts';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { inFlight } from '../in-flight.ts';
import { logWritten } from '../log-written.ts';

export default defineBench({
  title: 'Orders of many customers written, 16 at a time: to two instances by customer, and to one',
  unit: 'order',
  reference: 'without',
  goals: [{ measure: 'bytes of log of the busiest instance', of: 'with', to: 'without', atMost: 0.6 }],
  servers: ['postgresql'],
  roundMs: 1500,
  async setUp(surroundings) {
    const { primary, shard1 } = surroundings.urls.postgres;
    return { with: await side(surroundings, 'prove_two_shards', [primary, shard1]), without: await side(surroundings, 'prove_one_shard', [primary]) };
  },
});

async function side({ onEnd }: Surroundings, name: string, servers: readonly string[]): Promise<Side> {
  const urls = await Promise.all(servers.map((server) => makeDatabase(server, name)));
  for (const url of urls) await withClient(url, (client) => client.query('CREATE TABLE orders (id uuid PRIMARY KEY, account_id uuid NOT NULL, total_cents bigint NOT NULL, lines jsonb NOT NULL)'));

  @Module({ imports: [HealthModule.register(), ShardedDatabaseModule.register({ name, entities: [], poolSize: 16, shards: urls.map((primaryUrl) => ({ primaryUrl, replicaUrls: [] })) })] })
  class OrdersModule {}

  const app = await NestFactory.createApplicationContext(OrdersModule, { logger: ['error'] });
  onEnd(() => app.close());
  const sharded = app.get(ShardedDatabase);
  return {
    async run(units) {
      const before = await Promise.all(urls.map(logOf));
      await inFlight(units, 16, (n) => {
        const accountId = randomUUID();
        // Ids rise with time, as those of orders do: random ones would have whole pages of the index written to the log.
        return sharded.write(accountId, (tx) => tx.query('INSERT INTO orders VALUES ($1, $2, $3, $4)', [randomUUIDv7(), accountId, 4900 + n, '[{"productId": 1, "quantity": 2}]']));
      });
      const after = await Promise.all(urls.map(logOf));
      const written = after.map(({ rows, bytes }, instance) => ({ rows: rows - (before[instance]?.rows ?? 0), bytes: bytes - (before[instance]?.bytes ?? 0) }));
      return {
        result: written.reduce((sum, { rows }) => sum + rows, 0),
        measures: { 'bytes of log of the busiest instance': Math.max(...written.map(({ bytes }) => bytes)) / units },
      };
    },
  };
}

function logOf(url: string): Promise<{ rows: number; bytes: number }> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM orders');
    return { rows: rows[0]?.count ?? 0, bytes: await logWritten(client) };
  });
}
