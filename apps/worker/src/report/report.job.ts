import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { buildReport } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { Delivery } from '@tenfold/jobs';
import { SalesRepository } from '../sales/sales.repository.ts';
import { ReportFiles } from './report-files.ts';
import { reportLines } from './report.csv.ts';
import { ReportEntity } from './report.entity.ts';
import { ReportRepository } from './report.repository.ts';

const attempts = buildReport.retryDelaysMs.length + 1;

// Whoever watches a report looks a few times a second; a commit per month of it would cost more than the report.
const progressStep = 20;

/** Builds a report as CSV in the object store. A second run writes the same file again. */
@Injectable()
export class ReportJob {
  constructor(
    private readonly reports: ReportRepository,
    private readonly sales: SalesRepository,
    private readonly files: ReportFiles,
  ) {}

  @Handles(buildReport)
  async build({ reportId }: PayloadOf<typeof buildReport>, { tx, signal, attempt }: Delivery): Promise<void> {
    const report = await tx.findOneBy(ReportEntity, { id: reportId });
    if (!report) return;
    try {
      await this.#write(report, signal);
    } catch (error) {
      if (attempt >= attempts) await this.reports.update(reportId, { state: 'failed' });
      throw error;
    }
    await tx.update(ReportEntity, { id: reportId }, { state: 'done', progress: 100, file: fileOf(reportId) });
  }

  async #write(report: ReportEntity, signal: AbortSignal): Promise<void> {
    let shown = 0;
    const lines = reportLines(report, this.sales, async (progress) => {
      signal.throwIfAborted();
      if (progress < shown + progressStep) return;
      shown = progress;
      await this.reports.update(report.id, { state: 'running', progress });
    });
    await this.files.putStream(fileOf(report.id), Readable.from(lines), { contentType: 'text/csv' });
  }
}

function fileOf(reportId: string): string {
  return `reports/${reportId}.csv`;
}
