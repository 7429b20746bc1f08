import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { defineJob } from '@tenfold/contracts';
import { Database, DatabaseModule, runMigrations } from '@tenfold/database';
import { addMessage, outboxMigrations } from '@tenfold/jobs';
import { HealthModule } from '@tenfold/service';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { makeDatabase, withClient } from '../../database/bench.database.ts';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { inFlight } from '../in-flight.ts';

const requests = 8;

const sendReceipt = defineJob({ topic: 'prove.send-receipt', payload: z.strictObject({ orderId: z.uuid(), text: z.string() }), key: ({ orderId }) => orderId });

/** What a request does and waits for; the mail that a job sends later costs `worker` what it cost the request. */
export default defineBench({
  title: `An order and its receipt, ${requests} requests at a time: the receipt as a job of the order's transaction, and mailed before the answer`,
  unit: 'order',
  reference: 'without',
  goals: [
    { measure: 'wall', of: 'with', to: 'without', atMost: 0.7 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.7 },
  ],
  servers: ['postgresql', 'mail'],
  async setUp(surroundings) {
    const transport = createTransport({ url: surroundings.urls.smtp, pool: true, maxConnections: requests });
    surroundings.onEnd(() => transport.close());
    const inBackground = await openOrders(surroundings, 'prove_background_jobs');
    const inRequest = await openOrders(surroundings, 'prove_mail_in_request');
    return {
      with: inBackground((database, orderId, text) =>
        database.write(async (tx) => {
          await tx.query('INSERT INTO orders VALUES ($1)', [orderId]);
          await addMessage(tx, sendReceipt, { orderId, text });
        }),
      ),
      without: inRequest(async (database, orderId, text) => {
        await database.write((tx) => tx.query('INSERT INTO orders VALUES ($1)', [orderId]));
        await transport.sendMail({ from: 'shop@tenfold.test', to: 'demo-1@tenfold.test', subject: `Order ${orderId}`, text });
      }),
    };
  },
});

type PlaceOrder = (database: Database, orderId: string, text: string) => Promise<void>;

async function openOrders({ urls, onEnd }: Surroundings, name: string): Promise<(place: PlaceOrder) => Side> {
  const url = await makeDatabase(urls.postgres.primary, name);
  await runMigrations({ url, migrations: outboxMigrations });
  await withClient(url, (client) => client.query('CREATE TABLE orders (id uuid PRIMARY KEY)'));

  @Module({ imports: [HealthModule.register(), DatabaseModule.register({ name, entities: [], primaryUrl: url, replicaUrls: [], poolSize: requests })] })
  class OrdersModule {}

  const app = await NestFactory.createApplicationContext(OrdersModule, { logger: ['error'] });
  onEnd(() => app.close());
  const database = app.get(Database);
  const countOrders = () => withClient(url, async (client) => (await client.query<{ count: number }>('SELECT count(*)::int AS count FROM orders')).rows[0]?.count ?? 0);
  return (place) => ({
    async run(units) {
      const before = await countOrders();
      await inFlight(units, requests, () => place(database, randomUUID(), '2 x Walnut desk lamp  98.00\n'.repeat(10)));
      return { result: (await countOrders()) - before };
    },
  });
}
