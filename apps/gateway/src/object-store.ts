import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { gatewayConfig } from './gateway.settings.ts';
import type { GatewayConfig } from './gateway.settings.ts';

/** Files that replicas and services share: finished reports, pictures of accounts. */
export class ObjectStore extends Disk {}

export const objectStoreProvider = {
  provide: ObjectStore,
  inject: [gatewayConfig],
  useFactory: (config: GatewayConfig) => new ObjectStore(new FSDriver({ location: config.OBJECT_STORE_DIR, visibility: 'private' })),
};
