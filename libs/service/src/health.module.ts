import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Health } from './health.registry.ts';

/** Provides {@link Health} globally. `runService` imports it; a test that builds a module by itself must. */
@Module({})
export class HealthModule {
  static register(health: Health = new Health()): DynamicModule {
    return {
      module: HealthModule,
      global: true,
      providers: [{ provide: Health, useValue: health }],
      exports: [Health],
    };
  }
}
