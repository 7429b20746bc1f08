import { Controller } from '@nestjs/common';
import { workerCalls } from '@tenfold/contracts';
import type { Report, ValidRequestOf } from '@tenfold/contracts';
import { Answers, CallError } from '@tenfold/rpc';
import type { ReportEntity } from './report.entity.ts';
import { ReportRepository } from './report.repository.ts';

const { createReport, getReport } = workerCalls.calls;

@Controller()
export class ReportHandler {
  constructor(private readonly reports: ReportRepository) {}

  @Answers(createReport)
  async createReport(request: ValidRequestOf<typeof createReport>): Promise<Report> {
    return toReport(await this.reports.add(request));
  }

  @Answers(getReport)
  async getReport({ accountId, id }: ValidRequestOf<typeof getReport>): Promise<Report> {
    const report = await this.reports.find(id);
    if (report?.accountId !== accountId) throw new CallError('not-found', `no report ${id}`);
    return toReport(report);
  }
}

function toReport({ id, kind, from, to, state, progress, file, createdAt }: ReportEntity): Report {
  return { id, kind, from, to, state, progress, file, createdAt: createdAt.toISOString() };
}
