import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { instant, uuid } from './fields.contract.ts';
import { defineJob } from './message.contract.ts';

export const reportKind = z.enum(['sales-by-category', 'sales-by-month', 'sales-by-hour']);

const day = z.iso.date();

export const newReport = z
  .strictObject({ kind: reportKind, from: day, to: day })
  .refine((report) => report.from <= report.to, { path: ['to'], message: 'must not be before from' });

export const report = z.strictObject({
  id: uuid,
  kind: reportKind,
  from: day,
  to: day,
  state: z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']),
  /** 0 to 100. */
  progress: z.int().min(0).max(100),
  /** Rows that are in it so far, and that it will have gone through; absent until it knows. */
  rowsDone: z.int().min(0).optional(),
  rowsTotal: z.int().min(0).optional(),
  createdAt: instant,
  /** Key of the finished file, gzip, in the object store; null until `done`. */
  file: z.string().nullable(),
});
export type Report = z.output<typeof report>;

export const workerCalls = defineCalls('worker', {
  createReport: {
    priority: 'low',
    request: z.strictObject({ accountId: uuid, report: newReport }),
    response: report,
    errors: [],
    idempotent: false,
    statements: 3,
  },
  /** Another account's report is `not-found`. */
  getReport: {
    request: z.strictObject({ accountId: uuid, id: uuid }),
    response: report,
    errors: ['not-found'],
    idempotent: true,
    statements: 2,
  },
  /** Ends a report that is waiting or running; what is done or failed is `report-over`. */
  cancelReport: {
    request: z.strictObject({ accountId: uuid, id: uuid }),
    response: report,
    errors: ['not-found', 'report-over'],
    idempotent: true,
    statements: 5,
  },
});

/**
 * Builds the sums of sales anew from all confirmed orders, beside those that are read, and puts them in their place. For
 * when the projection was wrong, or shall tell more than before.
 */
export const rebuildSales = defineJob({
  topic: 'worker.rebuild-sales',
  payload: z.strictObject({}),
  key: () => 'sales',
  timeoutMs: 3_600_000,
});

/** Has the monthly partitions of orders made ahead. */
export const ensureOrderPartitions = defineJob({
  topic: 'worker.ensure-order-partitions',
  payload: z.strictObject({}),
  key: () => 'orders',
  retryDelaysMs: [60_000],
});

/** Has orders that are old enough moved into the object store. */
export const archiveOrders = defineJob({
  topic: 'worker.archive-orders',
  payload: z.strictObject({}),
  key: () => 'orders',
  retryDelaysMs: [60_000],
  timeoutMs: 3_600_000,
});

export const buildReport = defineJob({
  topic: 'worker.build-report',
  payload: z.strictObject({ reportId: uuid }),
  key: (payload) => payload.reportId,
  timeoutMs: 300_000,
});
