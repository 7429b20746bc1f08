import { Disk } from 'flydrive';
import { FSDriver } from 'flydrive/drivers/fs';
import { gatewayConfig } from '../gateway.settings.ts';
import type { GatewayConfig } from '../gateway.settings.ts';

/** The object store in which finished reports lie. */
export class ReportFiles extends Disk {}

export const reportFilesProvider = {
  provide: ReportFiles,
  inject: [gatewayConfig],
  useFactory: (config: GatewayConfig) => new ReportFiles(new FSDriver({ location: config.OBJECT_STORE_DIR, visibility: 'private' })),
};
