import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Account, accountsCalls, ValidRequestOf } from '@tenfold/contracts';
import type { AccountEntity } from './account.entity.ts';
import { AccountRepository } from './account.repository.ts';
import { PasswordHasher } from './password.hasher.ts';

type Calls = typeof accountsCalls.calls;

@Injectable()
export class AccountService {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: PasswordHasher,
  ) {}

  /** @returns undefined when the address is taken */
  async signUp({ email, password, name }: ValidRequestOf<Calls['signUp']>): Promise<Account | undefined> {
    const account: AccountEntity = {
      id: randomUUID(),
      email,
      name,
      role: 'customer',
      passwordHash: await this.passwords.hash(password),
      createdAt: new Date(),
    };
    return (await this.accounts.add(account)) ? toAccount(account) : undefined;
  }

  /** @returns undefined for a wrong password and, after the same work, for an unknown address */
  async checkPassword({ email, password }: ValidRequestOf<Calls['checkPassword']>): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    const matches = await this.passwords.verify(password, account?.passwordHash);
    return account && matches ? toAccount(account) : undefined;
  }

  async get(id: string): Promise<Account | undefined> {
    const account = await this.accounts.findById(id);
    return account ? toAccount(account) : undefined;
  }

  /** Those that exist, in no particular order. */
  async getMany(ids: readonly string[]): Promise<Account[]> {
    return (await this.accounts.findByIds(ids)).map(toAccount);
  }
}

function toAccount({ id, email, name, role, createdAt }: AccountEntity): Account {
  return { id, email, name, role, createdAt: createdAt.toISOString() };
}
