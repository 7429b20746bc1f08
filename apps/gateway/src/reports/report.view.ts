import { report, uuid } from '@tenfold/contracts';
import type { Report } from '@tenfold/contracts';
import { z } from 'zod';

export const namedReport = z.strictObject({ id: uuid });

/** A report as its owner sees it: with an address in place of the object store's key. */
export const reportView = report.extend({
  file: z.string().nullable().meta({ description: 'Where to get the file; null until the report is done' }),
});
export type ReportView = z.output<typeof reportView>;

export function viewOf(report: Report): ReportView {
  return { ...report, file: report.file === null ? null : `/v1/reports/${report.id}/file` };
}
