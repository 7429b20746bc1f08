import { cacheRedisSettings, callServerSettings, databaseSettings, kafkaSettings, serviceSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';

export const catalogSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...databaseSettings,
  ...cacheRedisSettings,
  ...kafkaSettings,
};
export type CatalogConfig = ConfigOf<typeof catalogSettings>;
