import { ADMIN_EMAIL, accountEmail, accountId, accountName, passwordHash } from './account.ts';
import { copyRow, copyRows } from './copy.ts';
import type { ServiceSeed } from './service-seed.ts';

export const accountsSeed: ServiceSeed = {
  service: 'accounts',
  tables: ['accounts'],
  write(client, { accounts, from }) {
    return copyRows(
      client,
      'accounts (id, email, name, role, password_hash, created_at)',
      accountRows(accounts, from.toISOString()),
    );
  },
};

/** All signed up before the first order. */
function* accountRows(accounts: number, createdAt: string): Generator<string> {
  const hash = passwordHash();
  yield copyRow(accountId(ADMIN_EMAIL), ADMIN_EMAIL, 'Admin', 'admin', hash, createdAt);
  for (let n = 1; n <= accounts; n++) {
    const email = accountEmail(n);
    yield copyRow(accountId(email), email, accountName(n), 'customer', hash, createdAt);
  }
}
