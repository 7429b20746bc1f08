import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { buildReport } from '@tenfold/contracts';
import type { ValidRequestOf, workerCalls } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { addMessage } from '@tenfold/jobs';
import { ReportEntity } from './report.entity.ts';

type NewReport = ValidRequestOf<typeof workerCalls.calls.createReport>;

@Injectable()
export class ReportRepository {
  constructor(private readonly database: Database) {}

  /** The report and the job that builds it, under one id, both or none. */
  add({ accountId, report }: NewReport): Promise<ReportEntity> {
    const entity: ReportEntity = { id: randomUUID(), accountId, ...report, createdAt: new Date() };
    return this.database.write(async (tx) => {
      await tx.insert(ReportEntity, entity);
      await addMessage(tx, buildReport, { reportId: entity.id }, { tracked: true, id: entity.id });
      return entity;
    });
  }

  /** As the caller's own last write left it. */
  find(id: string): Promise<ReportEntity | null> {
    return this.database.read((manager) => manager.findOneBy(ReportEntity, { id }));
  }
}
