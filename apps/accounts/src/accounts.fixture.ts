import { Test } from '@nestjs/testing';
import { createTestDatabase } from '@tenfold/database/testing';
import { HealthModule, readConfig } from '@tenfold/service';
import { AccountsModule } from './accounts.module.ts';
import { accountsSettings } from './accounts.settings.ts';
import { migrations } from './migrations/index.ts';

/** The service's module as it ships, with a database of its own. */
export async function startAccounts() {
  const database = await createTestDatabase({ migrations });
  const config = readConfig(accountsSettings, {
    REPLICA: 'accounts-test',
    OPERATIONS_PORT: '1',
    CALLS_PORT: '1',
    CALLS_SECRET: 'a secret of the tests, 32 characters or more',
    DATABASE_PRIMARY_URL: database.primaryUrl,
    DATABASE_REPLICA_URLS: database.replicaUrls.join(','),
  });
  const module = await Test.createTestingModule({
    imports: [HealthModule.register(), AccountsModule.register(config)],
  }).compile();
  await module.init();
  return {
    module,
    async close() {
      await module.close();
      await database.drop();
    },
  };
}
