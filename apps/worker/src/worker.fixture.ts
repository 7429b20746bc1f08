import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { accountsCalls, allMessages, ordersCalls } from '@tenfold/contracts';
import type { Account, Message, Order, PayloadOf, ResponseOf, ValidRequestOf, orderPlaced } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { createTestDatabase } from '@tenfold/database/testing';
import { addMessage, ensureTopics } from '@tenfold/jobs';
import { Answers, CallError } from '@tenfold/rpc';
import { startCallServer } from '@tenfold/rpc/testing';
import { HealthModule, readConfig } from '@tenfold/service';
import { createContext, runInContext } from '@tenfold/telemetry';
import { inject, vi } from 'vitest';
import { migrations } from './migrations/index.ts';
import { WorkerModule } from './worker.module.ts';
import { workerSettings } from './worker.settings.ts';

type Accounts = typeof accountsCalls.calls;
type Orders = typeof ordersCalls.calls;
type AnswerPart = ResponseOf<Orders['streamOrders']>;

const secret = 'a secret of the tests, 32 characters or more';

/** Answers as the accounts service does where every account exists. */
@Controller()
export class AccountsForTests {
  @Answers(accountsCalls.calls.getAccount)
  getAccount({ id }: ValidRequestOf<Accounts['getAccount']>): Account {
    return { id, email: emailOf(id), name: 'Tom & Cleo', role: 'customer', createdAt: '2026-01-01T00:00:00.000Z' };
  }

  @Answers(accountsCalls.calls.getAccounts)
  getAccounts({ ids }: ValidRequestOf<Accounts['getAccounts']>): { items: Account[] } {
    return { items: ids.map((id) => this.getAccount({ id })) };
  }

  @Answers(accountsCalls.calls.listAccounts)
  listAccounts(): { items: []; total: number } {
    return { items: [], total: 0 };
  }

  @Answers(accountsCalls.calls.signUp)
  signUp(): Account {
    throw new CallError('email-taken', 'not in these tests');
  }

  @Answers(accountsCalls.calls.checkPassword)
  checkPassword(): Account {
    throw new CallError('wrong-credentials', 'not in these tests');
  }

  @Answers(accountsCalls.calls.changePassword)
  changePassword(): Account {
    throw new CallError('wrong-credentials', 'not in these tests');
  }

  @Answers(accountsCalls.calls.setDisabled)
  setDisabled(): Account {
    throw new CallError('not-found', 'not in these tests');
  }
}

/** Answers as the orders service does, and tells what partitions were asked for. */
@Controller()
export class OrdersForTests {
  readonly monthsAhead: number[] = [];

  @Answers(ordersCalls.calls.ensurePartitions)
  ensurePartitions({ monthsAhead }: ValidRequestOf<Orders['ensurePartitions']>): { created: string[] } {
    this.monthsAhead.push(monthsAhead);
    return { created: [] };
  }

  archived = 0;

  @Answers(ordersCalls.calls.archiveOrders)
  async *archiveOrders(): AsyncGenerator<{ shard: string; month: string; rows: number }> {
    this.archived += 1;
    yield { shard: 'orders-0', month: '2024-01', rows: 1 };
  }

  /** All that have been confirmed. */
  placed: readonly PayloadOf<typeof orderPlaced>[] = [];
  /** Runs before each part of the stream of orders, from 1. */
  onPart: (part: number) => unknown = () => undefined;

  @Answers(ordersCalls.calls.streamOrders)
  async *streamOrders({ after }: ValidRequestOf<Orders['streamOrders']>): AsyncGenerator<AnswerPart> {
    const first = after ? this.placed.findIndex(({ orderId }) => orderId === after.orderId) + 1 : 0;
    for (let index = first, part = 1; index < this.placed.length; index += 100, part += 1) {
      await this.onPart(part);
      const items = this.placed.slice(index, index + 100).map(({ orderId, ...order }): Order => ({ id: orderId, status: 'confirmed', ...order }));
      yield { items, after: { shard: 0, orderId: items.at(-1)?.id ?? '' }, total: this.placed.length };
    }
  }

  /** What was settled, by order, each time that it was. */
  readonly settled = new Map<string, string[]>();
  readonly cancelled: string[] = [];

  @Answers(ordersCalls.calls.settlePayments)
  settlePayments({ payments }: ValidRequestOf<Orders['settlePayments']>): Record<string, never> {
    for (const { orderId, outcome } of payments) this.settled.set(orderId, [...(this.settled.get(orderId) ?? []), outcome]);
    return {};
  }

  @Answers(ordersCalls.calls.cancelOrder)
  cancelOrder({ orderId }: ValidRequestOf<Orders['cancelOrder']>): { status: 'cancelled' } {
    this.cancelled.push(orderId);
    return { status: 'cancelled' };
  }

  @Answers(ordersCalls.calls.placeOrder)
  placeOrder(): never {
    throw new CallError('nothing-to-order', 'not in these tests');
  }

  @Answers(ordersCalls.calls.listOrders)
  listOrders(): { items: []; next: null } {
    return { items: [], next: null };
  }

  @Answers(ordersCalls.calls.listAllOrders)
  listAllOrders(): { items: []; next: null } {
    return { items: [], next: null };
  }

  @Answers(ordersCalls.calls.listArchivedOrders)
  listArchivedOrders(): never {
    throw new CallError('not-found', 'not in these tests');
  }

  @Answers(ordersCalls.calls.getOrder)
  getOrder(): never {
    throw new CallError('not-found', 'not in these tests');
  }
}

@Module({ controllers: [AccountsForTests] })
class AccountsModule {}

@Module({ controllers: [OrdersForTests] })
class OrdersModule {}

export function emailOf(accountId: string): string {
  return `${accountId}@tenfold.test`;
}

export interface WorkerFixture {
  module: TestingModule;
  orders: OrdersForTests;
  objectStore: string;
  query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  /**
   * Has a message relayed and handled, behind all earlier ones of the same `key`.
   *
   * @param times how often Kafka delivers it
   */
  send<M extends Message>(message: M, payload: PayloadOf<M>, options?: { key?: string; times?: number }): Promise<void>;
  close(): Promise<void>;
}

/**
 * The service's module as it ships, with a database of its own, before call servers of the tests. Its consumer group is
 * that of the service: one test file at a time may start it.
 *
 * @param smtpUrl where mail goes
 */
export async function startWorker(smtpUrl: string): Promise<WorkerFixture> {
  const servers = inject('servers');
  const nodes = await createTestDatabase({ migrations });
  const objectStore = await mkdtemp(join(tmpdir(), 'tenfold-worker-'));
  const accounts = await startCallServer(accountsCalls, AccountsModule, secret);
  const orders = await startCallServer(ordersCalls, OrdersModule, secret);
  await ensureTopics([servers.kafka], allMessages);
  const config = readConfig(workerSettings, {
    REPLICA: 'worker-test',
    OPERATIONS_PORT: '1',
    CALLS_PORT: '1',
    CALLS_SECRET: secret,
    CALL_ADDRESSES_ACCOUNTS: accounts.address,
    CALL_ADDRESSES_ORDERS: orders.address,
    DATABASE_PRIMARY_URL: nodes.primaryUrl,
    DATABASE_REPLICA_URLS: nodes.replicaUrls.join(','),
    KAFKA_BROKERS: servers.kafka,
    SMTP_URL: smtpUrl,
    OBJECT_STORE_DIR: objectStore,
    PAYMENT_STAND_IN: 'decline=0.2,lose=0.2,double=0.2,silent=0.1',
  });
  const module = await Test.createTestingModule({ imports: [HealthModule.register(), WorkerModule.register(config)] }).compile();
  // Some of the tests make something fail, and each failure would be logged with its stack.
  Logger.overrideLogger(false);
  await module.init();
  const database = module.get(Database);
  // On a busy machine its first look at the primary may have taken too long.
  await vi.waitUntil(() => database.primary, { timeout: 10_000 });
  return {
    module,
    orders: orders.app.get(OrdersForTests),
    objectStore,
    query: <Row>(sql: string, parameters?: unknown[]) => database.write((tx) => tx.query<Row[]>(sql, parameters)),
    async send(message, payload, { key, times = 1 } = {}) {
      await runInContext(createContext(), () =>
        database.write(async (tx) => {
          const messageId = await addMessage(tx, message, payload);
          await tx.query('update outbox set key = coalesce($2, key) where message_id = $1', [messageId, key ?? null]);
          await tx.query(
            `insert into outbox (message_id, topic, key, payload, headers)
             select message_id, topic, key, payload, headers from outbox, generate_series(2, $2::int) where message_id = $1`,
            [messageId, times],
          );
        }),
      );
    },
    async close() {
      await module.close();
      await Promise.all([accounts.app.close(), orders.app.close()]);
      await nodes.drop();
      await rm(objectStore, { recursive: true });
    },
  };
}
