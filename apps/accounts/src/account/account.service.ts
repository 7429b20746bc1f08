import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import type { Account, accountsCalls, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import type { AccountEntity } from './account.entity.ts';
import { AccountRepository } from './account.repository.ts';
import type { ListedAccount } from './account.repository.ts';
import { isOutdated } from './password.hash.ts';
import { PasswordHasher } from './password.hasher.ts';

type Calls = typeof accountsCalls.calls;

@Injectable()
export class AccountService {
  readonly #logger = new Logger(AccountService.name);

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
      disabled: false,
      passwordHash: await this.passwords.hash(password),
      createdAt: new Date(),
    };
    return (await this.accounts.add(account)) ? toAccount(account) : undefined;
  }

  /** @returns undefined for a wrong password and, after the same work, for an unknown address or a disabled account */
  async checkPassword({ email, password }: ValidRequestOf<Calls['checkPassword']>): Promise<Account | undefined> {
    const account = await this.accounts.findByEmail(email);
    const matches = await this.passwords.verify(password, account?.passwordHash);
    if (!account || !matches || account.disabled) return undefined;
    if (isOutdated(account.passwordHash)) await this.#hashAnew(account, password);
    return toAccount(account);
  }

  /** @returns undefined for a wrong password, an unknown or a disabled account */
  async changePassword({ id, password, newPassword }: ValidRequestOf<Calls['changePassword']>): Promise<Account | undefined> {
    const account = await this.accounts.findForChange(id);
    if (!account || account.disabled) return undefined;
    if (!(await this.passwords.verify(password, account.passwordHash))) {
      // A first attempt may have got this far and lost its answer.
      return (await this.passwords.verify(newPassword, account.passwordHash)) ? toAccount(account) : undefined;
    }
    const replaced = await this.accounts.replaceHash(id, account.passwordHash, await this.passwords.hash(newPassword));
    return replaced ? toAccount(account) : undefined;
  }

  /** @returns undefined when there is no such account */
  async setDisabled(id: string, disabled: boolean): Promise<Account | undefined> {
    const account = await this.accounts.setDisabled(id, disabled);
    return account ? toAccount(account) : undefined;
  }

  async get(id: string): Promise<Account | undefined> {
    const account = await this.accounts.findById(id);
    return account ? toAccount(account) : undefined;
  }

  /** Those that exist, in no particular order. */
  async getMany(ids: readonly string[]): Promise<Account[]> {
    return (await this.accounts.findByIds(ids)).map(toAccount);
  }

  /** A page of all accounts by its number, and how many there are. */
  async list({ page, limit }: ValidRequestOf<Calls['listAccounts']>): Promise<ResponseOf<Calls['listAccounts']>> {
    const [accounts, total] = await this.accounts.listByAge(page, limit);
    return { items: accounts.map((account) => ({ ...toAccount(account), disabled: account.disabled })), total };
  }

  /** Only at a log-in is the password known. One that cannot be written now is written at the next. */
  async #hashAnew({ id, passwordHash }: AccountEntity, password: string): Promise<void> {
    try {
      await this.accounts.replaceHash(id, passwordHash, await this.passwords.hash(password));
    } catch (error) {
      this.#logger.warn({ err: error, msg: 'a password could not be hashed anew' });
    }
  }
}

function toAccount({ id, email, name, role, createdAt }: ListedAccount): Account {
  return { id, email, name, role, createdAt: createdAt.toISOString() };
}
