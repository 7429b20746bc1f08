import type { Traffic } from './traffic.ts';

/** What services add to the traffic of the shop. */
export const traffics: readonly Traffic[] = [];
