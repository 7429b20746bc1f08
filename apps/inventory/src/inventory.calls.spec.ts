import { randomUUID } from 'node:crypto';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inventoryCalls } from '@tenfold/contracts';
import { CallsModule, callsToken } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInventory } from './inventory.fixture.ts';
import type { InventoryFixture } from './inventory.fixture.ts';

let inventory: InventoryFixture;
let caller: INestApplicationContext;
let client: CallClient<typeof inventoryCalls>;

beforeAll(async () => {
  inventory = await startInventory();
  const { HOST, CALLS_PORT, CALLS_SECRET } = inventory.config;
  const addresses = `${HOST}:${CALLS_PORT}`;
  caller = await NestFactory.createApplicationContext(
    CallsModule.register({ contract: inventoryCalls, addresses, secret: CALLS_SECRET }),
    { logger: false },
  );
  client = caller.get(callsToken(inventoryCalls));
});
afterAll(async () => {
  await caller.close();
  await inventory.close();
});

test('a caller restocks, reserves, releases and reads what it did', () =>
  runInContext(createContext(), async () => {
    const orderId = randomUUID();
    await client.restock({ productId: 1, quantity: 5, deliveryId: randomUUID() });
    await client.reserve({ orderId, items: [{ productId: 1, quantity: 2 }] });
    expect(await client.getStock({ productIds: [1] })).toEqual({
      items: [{ productId: 1, available: 3, reserved: 2, version: 2 }],
    });
    await client.release({ orderId });
    expect(await client.getStock({ productIds: [1] })).toEqual({
      items: [{ productId: 1, available: 5, reserved: 0, version: 3 }],
    });
  }));

test('a caller learns that there is too little', async () => {
  const reserve = client.reserve({ orderId: randomUUID(), items: [{ productId: 2, quantity: 1 }] });
  await expect(reserve).rejects.toMatchObject({ code: 'out-of-stock', service: 'inventory', call: 'reserve' });
});

test('a caller is told where its request is wrong', async () => {
  const reserve = client.reserve({ orderId: 'seven', items: [{ productId: 1, quantity: 100 }] });
  await expect(reserve).rejects.toMatchObject({ code: 'bad-request', issues: [{ path: ['orderId'] }, { path: ['items', 0, 'quantity'] }] });
});
