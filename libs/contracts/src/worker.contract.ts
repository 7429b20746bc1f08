import { z } from 'zod';
import { defineCalls } from './call.contract.ts';
import { instant, uuid } from './fields.contract.ts';
import { defineJob } from './message.contract.ts';

export const reportKind = z.enum(['sales-by-category', 'sales-by-month']);

const day = z.iso.date();

export const newReport = z
  .strictObject({ kind: reportKind, from: day, to: day })
  .refine((report) => report.from <= report.to, { path: ['to'], message: 'must not be before from' });

export const report = z.strictObject({
  id: uuid,
  kind: reportKind,
  from: day,
  to: day,
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  /** 0 to 100. */
  progress: z.int().min(0).max(100),
  createdAt: instant,
  /** Key of the finished file in the object store; null until `done`. */
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
    statements: 2,
  },
  /** Another account's report is `not-found`. */
  getReport: {
    request: z.strictObject({ accountId: uuid, id: uuid }),
    response: report,
    errors: ['not-found'],
    idempotent: true,
    statements: 1,
  },
});

export const buildReport = defineJob({
  topic: 'worker.build-report',
  payload: z.strictObject({ reportId: uuid }),
  key: (payload) => payload.reportId,
  timeoutMs: 300_000,
});
