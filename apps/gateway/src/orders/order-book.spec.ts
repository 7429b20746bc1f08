import { randomUUID } from 'node:crypto';
import { Controller, Module } from '@nestjs/common';
import type { INestMicroservice } from '@nestjs/common';
import { ordersCalls } from '@tenfold/contracts';
import { Answers } from '@tenfold/rpc';
import { startCallServer } from '@tenfold/rpc/testing';
import { currentContext, raisePosition } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { AccountsForTests, admin, customer, gatewaySecret, startGateway } from '../gateway.fixture.ts';
import type { RunningGateway } from '../gateway.fixture.ts';

const { placeOrder, listOrders, listAllOrders, listArchivedOrders, getOrder, streamOrders, settlePayments, cancelOrder, ensurePartitions, archiveOrders } = ordersCalls.calls;
const nobody = randomUUID();
let customers: string[] = [];
/** Positions that histories were asked for. */
const asked: (string | undefined)[] = [];

/** Answers as the orders service does: twenty orders in turn of those who are known, and one of somebody who is not. */
@Controller()
class OrdersForTests {
  @Answers(listAllOrders)
  listAllOrders() {
    const items = Array.from({ length: 20 }, (_, index) => ({
      id: randomUUID(),
      accountId: index === 19 ? nobody : (customers[index % customers.length] ?? nobody),
      status: 'confirmed' as const,
      totalCents: index,
      createdAt: '2026-01-01T00:00:00.000Z',
    }));
    return { items, next: null };
  }

  @Answers(placeOrder)
  placeOrder(): never {
    throw new Error('not asked');
  }

  @Answers(listOrders)
  listOrders(): { items: []; next: null } {
    const positions = currentContext()?.positions ?? new Map<string, string>();
    asked.push(positions.get('orders-0'));
    raisePosition(positions, 'orders-0', '0/A0');
    return { items: [], next: null };
  }

  @Answers(listArchivedOrders)
  listArchivedOrders(): { items: [] } {
    return { items: [] };
  }

  @Answers(getOrder)
  getOrder(): never {
    throw new Error('not asked');
  }

  @Answers(streamOrders)
  streamOrders(): never {
    throw new Error('not asked');
  }

  @Answers(settlePayments)
  settlePayments(): never {
    throw new Error('not asked');
  }

  @Answers(cancelOrder)
  cancelOrder(): never {
    throw new Error('not asked');
  }

  @Answers(archiveOrders)
  async *archiveOrders(): AsyncGenerator<never> {}

  @Answers(ensurePartitions)
  ensurePartitions(): { created: [] } {
    return { created: [] };
  }
}

@Module({ controllers: [OrdersForTests] })
class OrdersModule {}

let gateway: RunningGateway;
let orders: INestMicroservice;

beforeAll(async () => {
  const server = await startCallServer(ordersCalls, OrdersModule, gatewaySecret);
  orders = server.app;
  gateway = await startGateway({ SESSION_REDIS_URL: inject('servers').sessionRedis, CALL_ADDRESSES_ORDERS: server.address });
});

afterAll(async () => {
  await gateway.close();
  await orders.close();
});

async function browserOf(credentials: typeof admin) {
  const browser = gateway.browser();
  const { body } = await browser.post('/v1/session').send(credentials).expect(201);
  return { browser, id: (body as { account: { id: string } }).account.id };
}

test('a page of orders names its customers by one call for all of them', async () => {
  const { browser, id } = await browserOf(admin);
  customers = [id, (await browserOf(customer)).id];
  const { askedForMany } = gateway.services.accounts.get(AccountsForTests, { strict: false });
  const { body } = await browser.get('/v1/order-book').expect(200);
  expect(body.items).toHaveLength(20);
  expect(body.items[0]).toMatchObject({ totalCents: 0, customer: { id, name: 'Ada', email: admin.email } });
  expect(body.items[1].customer).toMatchObject({ name: 'Cleo' });
  expect(body.items[19].customer).toBeNull();
  expect(body.items[0]).not.toHaveProperty('accountId');
  expect(askedForMany).toEqual([[...customers, nobody]]);
});

test('a session carries on what a history has shown it', async () => {
  const { browser } = await browserOf(customer);
  await browser.get('/v1/orders').expect(200);
  await browser.get('/v1/orders').expect(200);
  expect(asked).toEqual([undefined, '0/A0']);
});

test('it is for admins', async () => {
  const { browser } = await browserOf(customer);
  await browser.get('/v1/order-book').expect(403);
  const { status } = await gateway.browser().get('/v1/order-book');
  expect(status).toBe(401);
});
