import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { buildReport } from '@tenfold/contracts';
import type { ValidRequestOf, workerCalls } from '@tenfold/contracts';
import { Database } from '@tenfold/database';
import { addMessage } from '@tenfold/jobs';
import { Not } from 'typeorm';
import { ReportEntity } from './report.entity.ts';

type NewReport = ValidRequestOf<typeof workerCalls.calls.createReport>;
type Changes = Partial<Pick<ReportEntity, 'state' | 'progress' | 'file'>>;

@Injectable()
export class ReportRepository {
  constructor(private readonly database: Database) {}

  /** The report and the job that builds it, both or none. */
  add({ accountId, report }: NewReport): Promise<ReportEntity> {
    const entity: ReportEntity = {
      id: randomUUID(),
      accountId,
      ...report,
      state: 'waiting',
      progress: 0,
      file: null,
      createdAt: new Date(),
    };
    return this.database.write(async (tx) => {
      await tx.insert(ReportEntity, entity);
      await addMessage(tx, buildReport, { reportId: entity.id });
      return entity;
    });
  }

  /** As the caller's own last write left it. */
  find(id: string): Promise<ReportEntity | null> {
    return this.database.read((manager) => manager.findOneBy(ReportEntity, { id }));
  }

  /**
   * Changes a report, unless it is done: nothing that comes late may undo that.
   *
   * @returns whether it was changed
   */
  async update(id: string, changes: Changes): Promise<boolean> {
    const { affected } = await this.database.write((tx) => tx.update(ReportEntity, { id, state: Not('done') }, changes));
    return affected === 1;
  }
}
