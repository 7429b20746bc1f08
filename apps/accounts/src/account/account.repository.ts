import { Injectable } from '@nestjs/common';
import { Database } from '@tenfold/database';
import { In } from 'typeorm';
import { AccountEntity } from './account.entity.ts';

/** Without what no list needs, the hash above all. */
export type ListedAccount = Omit<AccountEntity, 'passwordHash'>;

@Injectable()
export class AccountRepository {
  constructor(private readonly database: Database) {}

  findById(id: string): Promise<AccountEntity | null> {
    return this.database.read((manager) => manager.findOneBy(AccountEntity, { id }));
  }

  findByIds(ids: readonly string[]): Promise<AccountEntity[]> {
    return this.database.read((manager) => manager.findBy(AccountEntity, { id: In(ids) }));
  }

  /**
   * A page by its number, the latest first, and how many accounts there are. The server reads what the page skips: page
   * 4,500 takes some 40 times a first one (`npm run bench -- paging`), which one list of admins may.
   */
  listByAge(page: number, limit: number): Promise<[ListedAccount[], total: number]> {
    return this.database.read((reader) =>
      reader.findAndCount(AccountEntity, {
        select: { id: true, email: true, name: true, role: true, disabled: true, createdAt: true },
        order: { createdAt: 'DESC', id: 'DESC' },
        skip: (page - 1) * limit,
        take: limit,
      }),
    );
  }

  /**
   * Asks the primary while it is up: a visitor who signed up a moment ago has no session that could carry the position
   * which replicas must have reached.
   */
  findByEmail(email: string): Promise<AccountEntity | null> {
    return this.database.read((reader) => reader.findOneBy(AccountEntity, { email }), { prefer: 'primary' });
  }

  /** Asks the primary: the hash decides. */
  findForChange(id: string): Promise<AccountEntity | null> {
    return this.database.write((tx) => tx.findOneBy(AccountEntity, { id }));
  }

  /** @returns false when the hash is no longer the one that was checked */
  replaceHash(id: string, checked: string, passwordHash: string): Promise<boolean> {
    return this.database.write(async (tx) => {
      const { affected } = await tx.update(AccountEntity, { id, passwordHash: checked }, { passwordHash });
      return affected === 1;
    });
  }

  setDisabled(id: string, disabled: boolean): Promise<AccountEntity | null> {
    return this.database.write(async (tx) => {
      await tx.update(AccountEntity, { id }, { disabled });
      return tx.findOneBy(AccountEntity, { id });
    });
  }

  /** @returns false when the address is taken, also by a sign-up of the same instant */
  add(account: AccountEntity): Promise<boolean> {
    return this.database.write(async (tx) => {
      const { raw } = await tx
        .createQueryBuilder()
        .insert()
        .into(AccountEntity)
        .values(account)
        .orIgnore()
        .returning(['id'])
        .updateEntity(false)
        .execute();
      return (raw as unknown[]).length > 0;
    });
  }
}
