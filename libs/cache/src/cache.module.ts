import { Module } from '@nestjs/common';
import { ConfigurableModuleClass } from './cache.module-definition.ts';
import { CacheStore } from './cache.store.ts';

/** Provides {@link CacheStore}, everywhere unless `isGlobal: false`. */
@Module({ providers: [CacheStore], exports: [CacheStore] })
export class CacheModule extends ConfigurableModuleClass {}
