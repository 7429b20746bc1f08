import { callAddresses, callServerSettings, kafkaSettings, serviceSettings, shardSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';

export const ordersSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...callAddresses('catalog', 'inventory'),
  ...shardSettings,
  ...kafkaSettings,
};
export type OrdersConfig = ConfigOf<typeof ordersSettings>;
