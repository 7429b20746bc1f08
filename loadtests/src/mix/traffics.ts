import { pictureTraffic, sessionTraffic } from './account.traffic.ts';
import { shopTraffics } from './shop.traffic.ts';
import type { Traffic } from './traffic.ts';

/** All of the mix. */
export const traffics: readonly Traffic[] = [
  sessionTraffic,
  pictureTraffic,
  ...shopTraffics,
];
