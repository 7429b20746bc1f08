import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Module } from '@nestjs/common';
import type { INestMicroservice } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { accountsCalls, catalogCalls } from '@tenfold/contracts';
import type { Account, Product, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { freePort } from '@tenfold/local-cluster/testing';
import { Answers, CallError } from '@tenfold/rpc';
import { startCallServer } from '@tenfold/rpc/testing';
import { Health, HealthModule, readConfig } from '@tenfold/service';
import { createHttpApp } from '@tenfold/service/testing';
import supertest from 'supertest';
import { inject } from 'vitest';
import { httpOptions } from './gateway.http.ts';
import { GatewayModule } from './gateway.module.ts';
import { gatewaySettings } from './gateway.settings.ts';

type Accounts = typeof accountsCalls.calls;
type Catalog = typeof catalogCalls.calls;

/** Of the call servers that a test adds. */
export const gatewaySecret = 'a-secret-for-the-tests-of-the-gateway';
/** Where each service that the gateway calls is. */
const addressSettings = Object.keys(gatewaySettings).filter((name) => name.startsWith('CALL_ADDRESSES_'));
const customerPassword = 'correct horse battery staple';

/** Answers as the accounts service does for a customer and an admin that exist from the start. */
@Controller()
export class AccountsForTests {
  readonly #accounts = new Map<string, Account>();
  readonly #passwords = new Map<string, string>();
  readonly #disabled = new Set<string>();
  /** The ids of each call that asked for many. */
  readonly askedForMany: (readonly string[])[] = [];

  constructor() {
    this.#add('customer@tenfold.test', 'Cleo', 'customer');
    this.#add('admin@tenfold.test', 'Ada', 'admin');
  }

  @Answers(accountsCalls.calls.listAccounts)
  listAccounts({ page, limit }: ValidRequestOf<Accounts['listAccounts']>): ResponseOf<Accounts['listAccounts']> {
    const all = [...this.#accounts.values()].map((account) => ({ ...account, disabled: this.#disabled.has(account.email) }));
    return { items: all.slice((page - 1) * limit, page * limit), total: all.length };
  }

  @Answers(accountsCalls.calls.signUp)
  signUp({ email, name }: ValidRequestOf<Accounts['signUp']>): Account {
    if (this.#accounts.has(email)) throw new CallError('email-taken', 'This email has an account.');
    return this.#add(email, name, 'customer');
  }

  @Answers(accountsCalls.calls.checkPassword)
  checkPassword({ email, password }: ValidRequestOf<Accounts['checkPassword']>): Account {
    const account = this.#accounts.get(email);
    if (!account || password !== this.#passwordOf(email) || this.#disabled.has(email)) throw new CallError('wrong-credentials', 'Email or password is wrong.');
    return account;
  }

  @Answers(accountsCalls.calls.changePassword)
  changePassword({ id, password, newPassword }: ValidRequestOf<Accounts['changePassword']>): Account {
    const account = this.getAccount({ id });
    if (password !== this.#passwordOf(account.email)) throw new CallError('wrong-credentials', 'password is wrong');
    this.#passwords.set(account.email, newPassword);
    return account;
  }

  @Answers(accountsCalls.calls.setDisabled)
  setDisabled({ id, disabled }: ValidRequestOf<Accounts['setDisabled']>): Account {
    const account = this.getAccount({ id });
    if (disabled) this.#disabled.add(account.email);
    else this.#disabled.delete(account.email);
    return account;
  }

  @Answers(accountsCalls.calls.getAccount)
  getAccount({ id }: ValidRequestOf<Accounts['getAccount']>): Account {
    const account = [...this.#accounts.values()].find((candidate) => candidate.id === id);
    if (!account) throw new CallError('not-found', 'There is no such account.');
    return account;
  }

  @Answers(accountsCalls.calls.getAccounts)
  getAccounts({ ids }: ValidRequestOf<Accounts['getAccounts']>): { items: Account[] } {
    this.askedForMany.push(ids);
    return { items: [...this.#accounts.values()].filter(({ id }) => ids.includes(id)) };
  }

  #passwordOf(email: string): string {
    return this.#passwords.get(email) ?? customerPassword;
  }

  #add(email: string, name: string, role: Account['role']): Account {
    const account = { id: randomUUID(), email, name, role, createdAt: new Date().toISOString() };
    this.#accounts.set(email, account);
    return account;
  }
}

/** Answers as the catalog service does for a catalog of one product. */
@Controller()
export class CatalogForTests {
  /** How often a product was asked for by its id. */
  asked = 0;

  #product: Product = {
    id: 7,
    name: 'Lamp',
    categoryId: 2,
    priceCents: 1999,
    description: 'Gives light.',
    version: 1,
    updatedAt: '2026-01-01T00:00:00.000Z',
  };

  @Answers(catalogCalls.calls.listProducts)
  listProducts({ after }: ValidRequestOf<Catalog['listProducts']>): { items: Omit<Product, 'description' | 'version' | 'updatedAt'>[]; next: null } {
    if (after !== undefined) throw new CallError('bad-cursor', 'This is no cursor.');
    const { id, name, categoryId, priceCents } = this.#product;
    return { items: [{ id, name, categoryId, priceCents }], next: null };
  }

  @Answers(catalogCalls.calls.listCategories)
  listCategories(): { items: { id: number; name: string }[] } {
    return { items: [{ id: 2, name: 'Lighting' }] };
  }

  @Answers(catalogCalls.calls.getProduct)
  getProduct({ id }: ValidRequestOf<Catalog['getProduct']>): Product {
    this.asked += 1;
    if (id !== this.#product.id) throw new CallError('not-found', `There is no product ${id}.`);
    return this.#product;
  }

  @Answers(catalogCalls.calls.getProducts)
  getProducts({ ids }: ValidRequestOf<Catalog['getProducts']>): { items: Product[] } {
    return { items: ids.includes(this.#product.id) ? [this.#product] : [] };
  }

  @Answers(catalogCalls.calls.changeProduct)
  changeProduct({ id, change }: ValidRequestOf<Catalog['changeProduct']>): Product {
    const changed = Object.entries(change).filter(([, value]) => value !== undefined);
    this.#product = { ...this.getProduct({ id }), ...Object.fromEntries(changed), version: this.#product.version + 1 };
    return this.#product;
  }
}

@Module({ controllers: [AccountsForTests] })
class AccountsModule {}

@Module({ controllers: [CatalogForTests] })
class CatalogModule {}

@Module({})
class RootModule {}

export interface RunningGateway {
  app: NestFastifyApplication;
  /** Base URL. */
  url: string;
  /** A client that keeps its cookies. */
  browser(): ReturnType<typeof supertest.agent>;
  /** The services behind; closing one makes it unreachable. */
  services: {
    accounts: INestMicroservice;
    catalog: INestMicroservice;
  };
  /** Where these answer. */
  addresses: {
    accounts: string;
    catalog: string;
  };
  objectStore: string;
  close(): Promise<void>;
}

/** Credentials of the two accounts that exist. */
export const customer = { email: 'customer@tenfold.test', password: customerPassword };
export const admin = { email: 'admin@tenfold.test', password: customerPassword };

/**
 * The gateway as it ships, on a port of its own, before call servers of the tests. All other services cannot be reached.
 *
 * @param environment over the defaults; `SESSION_REDIS_URL` is needed
 */
export async function startGateway(environment: Record<string, string>): Promise<RunningGateway> {
  const nobody = await freePort();
  const accounts = await startCallServer(accountsCalls, AccountsModule, gatewaySecret);
  const catalog = await startCallServer(catalogCalls, CatalogModule, gatewaySecret);
  const objectStore = await mkdtemp(join(tmpdir(), 'tenfold-gateway-'));
  const config = readConfig(gatewaySettings, {
    REPLICA: 'gateway-test',
    CACHE_REDIS_URL: inject('servers').cacheRedis,
    OPERATIONS_PORT: '1',
    HTTP_PORT: '1',
    CALLS_SECRET: gatewaySecret,
    COOKIE_KEYS: `${randomUUID()}${randomUUID()}`,
    OBJECT_STORE_DIR: objectStore,
    ...Object.fromEntries(addressSettings.map((name) => [name, `127.0.0.1:${nobody}`])),
    CALL_ADDRESSES_ACCOUNTS: accounts.address,
    CALL_ADDRESSES_CATALOG: catalog.address,
    RATE_LIMIT_PER_MINUTE: '100000',
    LOGIN_LIMIT_PER_MINUTE: '100000',
    ...environment,
  });
  const health = new Health();
  const app = await createHttpApp(
    { module: RootModule, imports: [HealthModule.register(health), GatewayModule.register(config)] },
    httpOptions(config),
    { health, logger: false, logAll: false },
  );
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    url,
    browser: () => supertest.agent(url),
    services: {
      accounts: accounts.app,
      catalog: catalog.app,
    },
    addresses: {
      accounts: accounts.address,
      catalog: catalog.address,
    },
    objectStore,
    async close() {
      await app.close();
      await Promise.all([
        accounts.app.close(),
        catalog.app.close(),
        rm(objectStore, { recursive: true }),
      ]);
    },
  };
}
