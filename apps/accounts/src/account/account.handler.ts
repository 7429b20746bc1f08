import { Controller } from '@nestjs/common';
import { accountsCalls } from '@tenfold/contracts';
import type { Account, ResponseOf, ValidRequestOf } from '@tenfold/contracts';
import { Answers, CallError } from '@tenfold/rpc';
import { AccountService } from './account.service.ts';

const { signUp, checkPassword, changePassword, setDisabled, getAccount, getAccounts, listAccounts } = accountsCalls.calls;

@Controller()
export class AccountHandler {
  constructor(private readonly accounts: AccountService) {}

  @Answers(signUp)
  async signUp(request: ValidRequestOf<typeof signUp>): Promise<Account> {
    const account = await this.accounts.signUp(request);
    if (!account) throw new CallError('email-taken', 'this address has an account');
    return account;
  }

  @Answers(checkPassword)
  async checkPassword(request: ValidRequestOf<typeof checkPassword>): Promise<Account> {
    const account = await this.accounts.checkPassword(request);
    if (!account) throw new CallError('wrong-credentials', 'address or password is wrong');
    return account;
  }

  @Answers(changePassword)
  async changePassword(request: ValidRequestOf<typeof changePassword>): Promise<Account> {
    const account = await this.accounts.changePassword(request);
    if (!account) throw new CallError('wrong-credentials', 'password is wrong');
    return account;
  }

  @Answers(setDisabled)
  async setDisabled({ id, disabled }: ValidRequestOf<typeof setDisabled>): Promise<Account> {
    const account = await this.accounts.setDisabled(id, disabled);
    if (!account) throw new CallError('not-found', `no account ${id}`);
    return account;
  }

  @Answers(getAccount)
  async getAccount({ id }: ValidRequestOf<typeof getAccount>): Promise<Account> {
    const account = await this.accounts.get(id);
    if (!account) throw new CallError('not-found', `no account ${id}`);
    return account;
  }

  @Answers(getAccounts)
  async getAccounts({ ids }: ValidRequestOf<typeof getAccounts>): Promise<ResponseOf<typeof getAccounts>> {
    return { items: await this.accounts.getMany(ids) };
  }

  @Answers(listAccounts)
  listAccounts(request: ValidRequestOf<typeof listAccounts>): Promise<ResponseOf<typeof listAccounts>> {
    return this.accounts.list(request);
  }
}
