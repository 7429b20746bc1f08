import { Controller } from '@nestjs/common';
import { workerCalls } from '@tenfold/contracts';
import type { Report, ValidRequestOf } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { JobStates } from '@tenfold/jobs';
import type { JobState } from '@tenfold/jobs';
import { Answers, CallError } from '@tenfold/rpc';
import type { ReportEntity } from './report.entity.ts';
import { folderOf } from './report.job.ts';
import type { ReportResult } from './report.job.ts';
import { ReportFiles } from './report-files.ts';
import { ReportRepository } from './report.repository.ts';

const { createReport, getReport, cancelReport } = workerCalls.calls;

@Controller()
export class ReportHandler {
  constructor(
    private readonly database: Database,
    private readonly reports: ReportRepository,
    private readonly states: JobStates,
    private readonly files: ReportFiles,
  ) {}

  @Answers(createReport)
  async createReport(request: ValidRequestOf<typeof createReport>): Promise<Report> {
    return toReport(await this.reports.add(request), undefined);
  }

  @Answers(getReport)
  async getReport({ accountId, id }: ValidRequestOf<typeof getReport>): Promise<Report> {
    const [report, state] = await Promise.all([this.reports.find(id), this.states.find(id)]);
    if (report?.accountId !== accountId) throw new CallError('not-found', `no report ${id}`);
    return toReport(report, state);
  }

  @Answers(cancelReport)
  async cancelReport(request: ValidRequestOf<typeof cancelReport>): Promise<Report> {
    const { id } = await this.getReport(request);
    const cancelled = await this.database.write((tx) => this.states.cancel(tx, id));
    // What a thread that has yet to notice writes meanwhile stays behind, in nobody's way.
    if (cancelled) await this.files.deleteAll(folderOf(id)).catch(() => {});
    const report = await this.getReport(request);
    if (report.state !== 'cancelled') throw new CallError('report-over', `report ${id} is ${report.state}`);
    return report;
  }
}

function toReport({ id, kind, from, to, createdAt }: ReportEntity, state: JobState | undefined): Report {
  const { done = 0, total = null } = state ?? {};
  const result = (state?.result ?? null) as ReportResult | null;
  return {
    id,
    kind,
    from,
    to,
    state: state?.state ?? 'waiting',
    progress: state?.state === 'done' ? 100 : total ? Math.floor((done / total) * 100) : 0,
    ...(total !== null && { rowsDone: done, rowsTotal: total }),
    createdAt: createdAt.toISOString(),
    file: result?.file ?? null,
  };
}
