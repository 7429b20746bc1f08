import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { DatabaseModule } from '@tenfold/database';
import { AccountEntity } from './account/account.entity.ts';
import { AccountHandler } from './account/account.handler.ts';
import { AccountRepository } from './account/account.repository.ts';
import { AccountService } from './account/account.service.ts';
import { PasswordHasher } from './account/password.hasher.ts';
import type { AccountsConfig } from './accounts.settings.ts';

/** Sign-up and password check. */
@Module({
  controllers: [AccountHandler],
  providers: [AccountService, AccountRepository, PasswordHasher],
})
export class AccountsModule {
  static register(config: AccountsConfig): DynamicModule {
    return {
      module: AccountsModule,
      imports: [
        DatabaseModule.register({
          name: 'accounts',
          entities: [AccountEntity],
          primaryUrl: config.DATABASE_PRIMARY_URL,
          replicaUrls: config.DATABASE_REPLICA_URLS,
        }),
      ],
    };
  }
}
