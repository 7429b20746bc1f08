export { CacheModule } from './cache.module.ts';
export type { CacheModuleOptions } from './cache.module-definition.ts';
export { CacheStore } from './cache.store.ts';
export type { Cache } from './cache.ts';
export type { CacheOptions } from './cache.options.ts';
