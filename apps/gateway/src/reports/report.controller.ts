import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Body, Controller, Delete, Get, Header, Headers, HttpCode, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { newReport, workerCalls } from '@tenfold/contracts';
import { InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import type { SessionAccount } from '@tenfold/session';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Idempotent } from '../idempotency/idempotent.decorator.ts';
import { Documented } from '../openapi/documented.decorator.ts';
import { Problem } from '../problems/problem.ts';
import { CurrentAccount } from '../sessions/current-session.ts';
import { ReportEvents } from './report-events.ts';
import { ObjectStore } from '../object-store.ts';
import { namedReport, reportView, viewOf } from './report.view.ts';
import type { ReportView } from './report.view.ts';

type NamedReport = z.output<typeof namedReport>;

/** Reports take a while: they are ordered, watched, and then fetched. */
@Controller('v1/reports')
export class ReportController {
  constructor(
    @InjectCalls(workerCalls) private readonly worker: CallClient<typeof workerCalls>,
    private readonly events: ReportEvents,
    private readonly files: ObjectStore,
  ) {}

  @Post()
  @RouteConfig({ statements: 3 })
  @HttpCode(202)
  @Idempotent(true)
  @Documented({ summary: 'Have a report made', answers: { 202: reportView } })
  async create(
    @CurrentAccount() account: SessionAccount,
    @Body({ schema: newReport }) body: z.output<typeof newReport>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReportView> {
    const report = await this.worker.createReport({ accountId: account.id, report: body });
    void reply.header('location', `/v1/reports/${report.id}`);
    return viewOf(report);
  }

  @Get(':id')
  @RouteConfig({ statements: 2 })
  @Documented({ summary: 'See how far a report is', answers: { 200: reportView }, problems: ['not-found'] })
  async show(@CurrentAccount() account: SessionAccount, @Param({ schema: namedReport }) { id }: NamedReport): Promise<ReportView> {
    return viewOf(await this.worker.getReport({ accountId: account.id, id }));
  }

  @Delete(':id')
  @RouteConfig({ statements: 5 })
  @Idempotent(true)
  @Documented({ summary: 'Cancel a report that is not finished', answers: { 200: reportView }, problems: ['not-found', 'report-over'] })
  async cancel(@CurrentAccount() account: SessionAccount, @Param({ schema: namedReport }) { id }: NamedReport): Promise<ReportView> {
    return viewOf(await this.worker.cancelReport({ accountId: account.id, id }));
  }

  @Get(':id/events')
  @RouteConfig({ statements: 2 })
  @Header('x-accel-buffering', 'no')
  @Documented({
    summary: 'Follow a report',
    description: 'An event `report` with the report at each change, until it is done, failed or cancelled, at most for a minute.',
    answers: { 200: 'text/event-stream' },
    problems: ['not-found'],
  })
  async follow(@CurrentAccount() account: SessionAccount, @Param({ schema: namedReport }) { id }: NamedReport): Promise<StreamableFile> {
    const report = await this.worker.getReport({ accountId: account.id, id });
    const lines = Readable.from(this.events.follow(account.id, report), { objectMode: false });
    return new StreamableFile(lines, { type: 'text/event-stream' });
  }

  @Get(':id/file')
  @RouteConfig({ statements: 2 })
  @Header('vary', 'accept-encoding')
  @Documented({
    summary: 'Get the file of a finished report',
    answers: { 200: 'text/csv' },
    problems: ['not-found', 'report-not-ready'],
  })
  async file(
    @CurrentAccount() account: SessionAccount,
    @Param({ schema: namedReport }) { id }: NamedReport,
    @Headers('accept-encoding') accepted: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { file, kind, from, to } = await this.worker.getReport({ accountId: account.id, id });
    if (file === null) throw new Problem('report-not-ready');
    const [{ contentLength }, content] = await Promise.all([this.files.getMetaData(file), this.files.getStream(file)]);
    const headers = { type: 'text/csv; charset=utf-8', disposition: `attachment; filename="${kind}-${from}-${to}.csv"` };
    // It lies there compressed: who takes it so gets it as it is.
    if (!/\bgzip\b/.test(accepted ?? '')) return new StreamableFile(content.pipe(createGunzip()), headers);
    void reply.header('content-encoding', 'gzip');
    return new StreamableFile(content, { ...headers, length: contentLength });
  }
}
