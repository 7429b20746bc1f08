import { productChanged } from './catalog.contract.ts';
import type { Message } from './message.contract.ts';
import { orderPlaced, sendReceipt } from './orders.contract.ts';
import { buildReport, rebuildSales } from './worker.contract.ts';

/** Every job and event of the system: what the topics are made from. */
export const allMessages: readonly Message[] = [productChanged, orderPlaced, sendReceipt, buildReport, rebuildSales];
