import {
  callAddresses,
  callServerSettings,
  databaseSettings,
  kafkaSettings,
  mailSettings,
  objectStoreSettings,
  serviceSettings,
} from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { z } from 'zod';
import { paymentRules } from './payment/payment.rules.ts';

export const workerSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...callAddresses('accounts', 'orders'),
  ...databaseSettings,
  ...kafkaSettings,
  ...mailSettings,
  ...objectStoreSettings,
  /** How the payment stand-in misbehaves, e.g. `decline=0.02,lose=0.02`; see `payment.rules.ts`. Default: it accepts all. */
  PAYMENT_STAND_IN: z.string().default('').transform(paymentRules),
};
export type WorkerConfig = ConfigOf<typeof workerSettings>;
