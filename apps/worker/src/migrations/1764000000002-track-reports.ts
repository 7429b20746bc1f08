import type { MigrationInterface, QueryRunner } from 'typeorm';

/** State, progress and result of a report are those of its job, whose id it has. */
export class TrackReports1764000000002 implements MigrationInterface {
  // A report that the version before is building is not found any more by it; its job is delivered to this one.
  readonly accepts = ['drop-column'] as const;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      insert into job_states (job_id, topic, state, result, created_at)
      select id, 'worker.build-report', state, case when file is not null then jsonb_build_object('file', file) end, created_at from reports`);
    await queryRunner.query('alter table reports drop column state, drop column progress, drop column file');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      alter table reports add column state text not null default 'waiting', add column progress int not null default 0, add column file text`);
    await queryRunner.query(`
      update reports set state = case job.state when 'cancelled' then 'failed' else job.state end, file = job.result->>'file'
      from job_states job where job_id = id`);
  }
}
