import { ConfigurableModuleBuilder, Inject, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Database } from '@tenfold/database';
import { Schedules } from './schedules.ts';
import type { Schedule } from './schedules.ts';

export interface SchedulesOptions {
  schedules: readonly Schedule[];
  /** The database whose outbox takes the jobs. Default: the one `Database` of the service. */
  database?: (moduleRef: ModuleRef) => Database;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<SchedulesOptions>().build();

/** Adds jobs by the clock, once over all replicas of the service. */
@Module({})
export class SchedulesModule extends ConfigurableModuleClass implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #schedules: Schedules | undefined;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: SchedulesOptions,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {
    super();
  }

  /** @throws JobsError `invalid-schedule`, which ends the boot */
  onApplicationBootstrap(): void {
    const { schedules, database = (moduleRef: ModuleRef) => moduleRef.get(Database, { strict: false }) } = this.options;
    this.#schedules = new Schedules(database(this.moduleRef), schedules);
    this.#schedules.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#schedules?.stop();
  }
}
