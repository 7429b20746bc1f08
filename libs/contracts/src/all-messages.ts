import { productChanged } from './catalog.contract.ts';
import type { Message } from './message.contract.ts';
import { compensateOrder, orderPlaced, sendCancellation, sendReceipt, takePayment } from './orders.contract.ts';
import { archiveOrders, buildReport, ensureOrderPartitions, rebuildSales } from './worker.contract.ts';

/** Every job and event of the system: what the topics are made from. */
export const allMessages: readonly Message[] = [
  productChanged,
  takePayment,
  orderPlaced,
  sendReceipt,
  compensateOrder,
  sendCancellation,
  buildReport,
  rebuildSales,
  ensureOrderPartitions,
  archiveOrders,
];
