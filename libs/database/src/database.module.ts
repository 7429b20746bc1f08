import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Health } from '@tenfold/service';
import { Database } from './database.ts';
import type { DatabaseOptions } from './database.options.ts';
import { registerHealth } from './database.health.ts';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<DatabaseOptions>()
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/**
 * Provides {@link Database}. Boot neither waits for a node nor fails without one; connections are closed at the very
 * end of a shutdown, after whatever uses them.
 */
@Module({
  providers: [
    {
      provide: Database,
      inject: [MODULE_OPTIONS_TOKEN, Health],
      useFactory: (options: DatabaseOptions, health: Health) => {
        const database = new Database(options);
        registerHealth(health, database, options);
        return database;
      },
    },
  ],
  exports: [Database],
})
export class DatabaseModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  constructor(@Inject(Database) private readonly database: Database) {
    super();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}
