import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { buildReport } from '@tenfold/contracts';
import type { PayloadOf } from '@tenfold/contracts';
import { Handles } from '@tenfold/jobs';
import type { UnmarkedDelivery } from '@tenfold/jobs';
import { SalesRepository } from '../sales/sales.repository.ts';
import { ReportFiles } from './report-files.ts';
import { reportLines } from './report.csv.ts';
import type { ReportEntity } from './report.entity.ts';
import { ReportRepository } from './report.repository.ts';

const attempts = buildReport.retryDelaysMs.length + 1;

// Whoever watches a report looks a few times a second; a commit per month of it would cost more than the report.
const progressStep = 20;

/**
 * Builds a report as CSV in the object store. Without inbox, whose transaction would stay open for as long as a report
 * takes. The report's own state stands in for it: the first run that finishes decides.
 */
@Injectable()
export class ReportJob {
  constructor(
    private readonly reports: ReportRepository,
    private readonly sales: SalesRepository,
    private readonly files: ReportFiles,
  ) {}

  @Handles(buildReport, { inbox: false })
  async build({ reportId }: PayloadOf<typeof buildReport>, { signal, attempt }: UnmarkedDelivery): Promise<void> {
    if (!(await this.reports.update(reportId, { state: 'running', progress: 0 }))) return;
    const report = await this.reports.find(reportId);
    if (!report) return;
    // A file of its own for each run: a second one, begun while the first was taken for dead, must not write into it.
    const file = `reports/${reportId}/${randomUUID()}.csv`;
    try {
      await this.#write(file, report, signal);
    } catch (error) {
      await this.#discard(file);
      if (attempt >= attempts) await this.reports.update(reportId, { state: 'failed' });
      throw error;
    }
    const first = await this.reports.update(reportId, { state: 'done', progress: 100, file });
    if (!first) await this.#discard(file);
  }

  async #write(file: string, report: ReportEntity, signal: AbortSignal): Promise<void> {
    let shown = 0;
    const lines = reportLines(report, this.sales, async (progress) => {
      signal.throwIfAborted();
      if (progress < shown + progressStep) return;
      shown = progress;
      await this.reports.update(report.id, { progress });
    });
    await this.files.putStream(file, Readable.from(lines), { contentType: 'text/csv' });
  }

  /** A file that stays behind is in nobody's way. */
  async #discard(file: string): Promise<void> {
    await this.files.delete(file).catch(() => {});
  }
}
