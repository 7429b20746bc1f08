import { callServerSettings, databaseSettings, serviceSettings } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';

export const accountsSettings = { ...serviceSettings, ...callServerSettings, ...databaseSettings };
export type AccountsConfig = ConfigOf<typeof accountsSettings>;
