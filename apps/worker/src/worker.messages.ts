import { buildReport, orderPlaced, rebuildSales, sendReceipt } from '@tenfold/contracts';

/** What this service handles. */
export const workerMessages = [sendReceipt, orderPlaced, buildReport, rebuildSales];
