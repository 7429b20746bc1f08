import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { buildReport } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { Handles } from '@tenfold/jobs';
import type { TrackedDelivery } from '@tenfold/jobs';
import { ReportRepository } from './report.repository.ts';
import type { ReportCheckpoint } from './report.thread.ts';
import { ReportThreads } from './report.threads.ts';

/** What a report's job leaves behind. */
export interface ReportResult {
  /** Key in the object store. */
  file: string;
}

/** Has a report built as compressed CSV in the object store, from where an earlier run stopped. */
@Injectable()
export class ReportJob {
  constructor(
    private readonly database: Database,
    private readonly reports: ReportRepository,
    private readonly threads: ReportThreads,
  ) {}

  @Handles(buildReport, { tracked: true })
  async build({ reportId }: PayloadOf<typeof buildReport>, { signal, checkpoint, save }: TrackedDelivery): Promise<ReportResult | null> {
    const report = await this.reports.find(reportId);
    if (!report) return null;
    const { kind, from, to } = report;
    const file = await this.threads.write(
      {
        kind,
        from,
        to,
        databaseUrl: await this.database.urlForReading(),
        folder: folderOf(reportId),
        run: randomUUID(),
        checkpoint: checkpoint as ReportCheckpoint | null,
      },
      (reached) => save({ done: reached.done, total: reached.total, checkpoint: reached }),
      signal,
    );
    return { file };
  }
}

/** Where all files of a report are. */
export function folderOf(reportId: string): string {
  return `reports/${reportId}`;
}
