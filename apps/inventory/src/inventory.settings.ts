import { cacheRedisSettings, callServerSettings, databaseSettings, serviceSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';

export const inventorySettings = { ...serviceSettings, ...callServerSettings, ...databaseSettings, ...cacheRedisSettings };
export type InventoryConfig = ConfigOf<typeof inventorySettings>;
