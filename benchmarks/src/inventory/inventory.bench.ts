import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { inventoryCalls } from '@tenfold/contracts';
import { CallError, CallsModule, callsToken } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { makeDatabase, withClient } from '../database/bench.database.ts';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import type { RowUpdatesOptions } from './row-updates.peer.ts';

/** Buyers who wait for their answer at once. */
const buyers = 256;
const productId = 1;
const database = 'bench_inventory';

/** CPU is that of the buyers. The peers reach the server itself, the service goes through PgBouncer, as in the shop. */
export default defineBench({
  title: `Reservations of one product, ${buyers} buyers at a time, over calls: the service with its ledger of events, and updates of a row`,
  unit: 'reservation',
  reference: 'events, in batches (the service)',
  servers: ['postgresql', 'pgbouncer', 'cache-redis'],
  services: { inventory: 1 },
  goals: [
    { measure: 'reservations/s', of: 'events, in batches (the service)', atLeast: 2000 },
    { measure: 'reservations/s', of: 'events, in batches (the service)', to: 'row updates, one by one', atLeast: 1 },
  ],
  roundMs: 1500,
  warmUpMs: 3000,
  async setUp(surroundings) {
    const { urls, calls } = surroundings;
    const { primary } = urls.postgres;
    const peer = async (name: string, batches: boolean) => {
      const databaseUrl = await makeRows(primary, name);
      const options: RowUpdatesOptions = { databaseUrl, secret: calls.secret, batches };
      const { information: port } = await surroundings.startPeer<number>('row-updates', options);
      return side(surroundings, `127.0.0.1:${port}`);
    };
    return {
      'events, in batches (the service)': await side(surroundings, calls.addresses['inventory'] ?? ''),
      'row updates, in batches': await peer(`${database}_batches`, true),
      'row updates, one by one': await peer(`${database}_single`, false),
    };
  },
});

async function side({ calls: { secret }, onEnd }: Surroundings, addresses: string): Promise<Side> {
  const app = await NestFactory.createApplicationContext(CallsModule.register({ contract: inventoryCalls, addresses, secret }), { logger: false });
  onEnd(() => app.close());
  const inventory = app.get<CallClient<typeof inventoryCalls>>(callsToken(inventoryCalls));
  await inventory.restock({ productId, quantity: 1_000_000, deliveryId: randomUUID() });
  await inventory.restock({ productId, quantity: 1_000_000, deliveryId: randomUUID() });
  const reservedSoFar = async () => (await inventory.getStock({ productIds: [productId] })).items[0]?.reserved ?? 0;
  return {
    async run(units) {
      const before = await reservedSoFar();
      const began = performance.now();
      let next = 0;
      const buy = async () => {
        while (next++ < units) await reserve(inventory);
      };
      await Promise.all(Array.from({ length: buyers }, buy));
      const seconds = (performance.now() - began) / 1000;
      return { result: { reserved: await reservedBy(reservedSoFar, before + units) - before }, measures: { 'reservations/s': units / seconds } };
    },
  };
}

/** As a buyer does who gets no answer, or is told to come again: a service refuses early what it could not answer soon. */
async function reserve(inventory: CallClient<typeof inventoryCalls>): Promise<void> {
  const order = { orderId: randomUUID(), items: [{ productId, quantity: 1 }] };
  for (;;) {
    try {
      await inventory.reserve(order);
      return;
    } catch (error) {
      if (!(error instanceof CallError) || (error.code !== 'overloaded' && error.code !== 'deadline-exceeded')) throw error;
      await sleep(error.retryAfterMs ?? 100);
    }
  }
}

/** What is shown of the stock may be a moment behind. */
async function reservedBy(reservedSoFar: () => Promise<number>, expected: number): Promise<number> {
  const until = performance.now() + 6000;
  for (;;) {
    const reserved = await reservedSoFar();
    if (reserved >= expected || performance.now() > until) return reserved;
    await sleep(50);
  }
}

async function makeRows(server: string, name: string): Promise<string> {
  const url = await makeDatabase(server, name);
  await withClient(url, async (client) => {
    await client.query('create table stock (product_id int primary key, available int not null check (available >= 0), reserved int not null) with (fillfactor = 70)');
    await client.query('create table reservations (order_id uuid primary key, product_id int not null, quantity int not null, at timestamptz not null default now())');
  });
  return url;
}
