import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Health } from '@tenfold/service';
import { registerHealth } from './database.health.ts';
import type { ShardedDatabaseOptions } from './database.options.ts';
import { ShardedDatabase } from './sharded-database.ts';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<ShardedDatabaseOptions>()
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/** Provides {@link ShardedDatabase}, in all else like `DatabaseModule`. */
@Module({
  providers: [
    {
      provide: ShardedDatabase,
      inject: [MODULE_OPTIONS_TOKEN, Health],
      useFactory: (options: ShardedDatabaseOptions, health: Health) => {
        const sharded = new ShardedDatabase(options);
        for (const shard of sharded.all) registerHealth(health, shard, options);
        return sharded;
      },
    },
  ],
  exports: [ShardedDatabase],
})
export class ShardedDatabaseModule extends ConfigurableModuleClass implements OnApplicationShutdown {
  constructor(@Inject(ShardedDatabase) private readonly sharded: ShardedDatabase) {
    super();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.sharded.close();
  }
}
