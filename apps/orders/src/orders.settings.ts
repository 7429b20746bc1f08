import { callAddresses, callServerSettings, kafkaSettings, serviceSettings, shardSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { z } from 'zod';

export const ordersSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...callAddresses('catalog', 'inventory'),
  ...shardSettings,
  ...kafkaSettings,
  /** Seconds that an order may await its payment before it is cancelled. */
  ORDERS_PAYMENT_SECONDS: z.coerce.number().int().min(1).default(900),
  /** Where old months go; without it they stay in the database. */
  OBJECT_STORE_DIR: z.string().min(1).optional(),
  /** Bucket where old months go instead: `s3://bucket?region=…`, with `&endpoint=…` for what is not Amazon's. */
  ORDERS_ARCHIVE_URL: z.url({ protocol: /^s3$/, error: 'a URL such as s3://bucket?region=eu-central-1' }).optional(),
  /** Months of orders that stay in the database, besides the current one. */
  ORDERS_KEEP_MONTHS: z.coerce.number().int().min(1).default(24),
};
export type OrdersConfig = ConfigOf<typeof ordersSettings>;
