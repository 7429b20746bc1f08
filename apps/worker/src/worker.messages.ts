import { archiveOrders, buildReport, compensateOrder, ensureOrderPartitions, orderPlaced, rebuildSales, sendCancellation, sendReceipt, takePayment } from '@tenfold/contracts';

/** What this service handles. */
export const workerMessages = [
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
