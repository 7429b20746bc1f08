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

export const workerSettings = {
  ...serviceSettings,
  ...callServerSettings,
  ...callAddresses('accounts', 'orders'),
  ...databaseSettings,
  ...kafkaSettings,
  ...mailSettings,
  ...objectStoreSettings,
};
export type WorkerConfig = ConfigOf<typeof workerSettings>;
