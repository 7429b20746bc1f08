import { callAddresses, callServerSettings, kafkaSettings, serviceSettings, shardSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { z } from 'zod';

export const ordersSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...callAddresses('catalog', 'inventory'),
  ...shardSettings,
  ...kafkaSettings,
  /** Where old months go; without it they stay in the database. */
  OBJECT_STORE_DIR: z.string().min(1).optional(),
  /** Months of orders that stay in the database, besides the current one. */
  ORDERS_KEEP_MONTHS: z.coerce.number().int().min(1).default(24),
};
export type OrdersConfig = ConfigOf<typeof ordersSettings>;
