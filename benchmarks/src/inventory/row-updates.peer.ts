import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inventoryCalls } from '@tenfold/contracts';
import type { ItemQuantity, Stock, ValidRequestOf } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { Answers, CallError, callServer } from '@tenfold/rpc';
import { Pool } from 'pg';
import { servePeer } from '../frame/peer.ts';

export interface RowUpdatesOptions {
  databaseUrl: string;
  secret: string;
  /** Whether the reservations that come while one is under way are made together, as the service does it. */
  batches: boolean;
}

interface Waiting {
  orderId: string;
  item: ItemQuantity;
  settle: () => void;
  fail: (error: unknown) => void;
}

const { reserve, release, restock, getStock } = inventoryCalls.calls;
const largestBatch = 200;

const reserveSql = 'update stock set available = available - $2, reserved = reserved + $2 where product_id = $1 and available >= $2';
const reservationsSql = 'insert into reservations (order_id, product_id, quantity) select * from unnest($1::uuid[], $2::int[], $3::int[]) on conflict do nothing returning order_id';

/** Inventory as rows that are updated: no events, one product an order. */
await servePeer(async ({ databaseUrl, secret, batches }: RowUpdatesOptions) => {
  const pool = new Pool({ connectionString: databaseUrl, max: 10 });
  const waiting: Waiting[] = [];
  let running = 0;

  async function transaction(run: (query: Pool['query']) => Promise<void>): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      await run(client.query.bind(client) as Pool['query']);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  /** An order that comes again has what it had reserved. */
  async function take(batch: readonly Waiting[]): Promise<void> {
    try {
      await transaction(async (query) => {
        const { rows } = await query<{ order_id: string }>(reservationsSql, [batch.map(({ orderId }) => orderId), batch.map(({ item }) => item.productId), batch.map(({ item }) => item.quantity)]);
        const claimed = new Set(rows.map(({ order_id }) => order_id));
        for (const [productId, ofProduct] of Map.groupBy(batch, ({ item }) => item.productId)) {
          const quantity = ofProduct.filter(({ orderId }) => claimed.has(orderId)).reduce((sum, { item }) => sum + item.quantity, 0);
          const { rowCount } = await query(reserveSql, [productId, quantity]);
          if (rowCount !== 1) throw new CallError('out-of-stock', 'too little');
        }
      });
      for (const { settle } of batch) settle();
    } catch (error) {
      for (const { fail } of batch) fail(error);
    }
  }

  /** Batches come one after the other; single ones as many at a time as there are connections. */
  async function drain(): Promise<void> {
    if (running >= (batches ? 1 : 10)) return;
    running += 1;
    while (waiting.length > 0) await take(waiting.splice(0, batches ? largestBatch : 1));
    running -= 1;
  }

  @Controller()
  class RowsHandler {
    @Answers(reserve)
    async reserve({ orderId, items: [item] }: ValidRequestOf<typeof reserve>): Promise<Record<string, never>> {
      await new Promise<void>((settle, fail) => {
        if (item) waiting.push({ orderId, item, settle, fail });
        void drain();
      });
      return {};
    }

    @Answers(restock)
    async restock({ productId, quantity }: ValidRequestOf<typeof restock>): Promise<Stock> {
      await pool.query('insert into stock values ($1, $2, 0) on conflict (product_id) do update set available = stock.available + $2', [productId, quantity]);
      return { productId, available: 0, reserved: 0, version: 0 };
    }

    @Answers(getStock)
    async getStock({ productIds }: ValidRequestOf<typeof getStock>): Promise<{ items: Stock[] }> {
      const { rows } = await pool.query<Stock>('select product_id as "productId", available, reserved, 0 as version from stock where product_id = any($1)', [productIds]);
      return { items: rows };
    }

    @Answers(release)
    release(): Record<string, never> {
      throw new Error('not in this bench');
    }
  }

  @Module({ controllers: [RowsHandler] })
  class RowsModule {}

  const port = await freePort();
  const config = { HOST: '127.0.0.1', CALLS_PORT: port, CALLS_SECRET: secret };
  const app = await NestFactory.createMicroservice(RowsModule, { strategy: callServer(inventoryCalls, config), logger: false });
  await app.listen();
  return port;
});
