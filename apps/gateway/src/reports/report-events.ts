import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { workerCalls } from '@tenfold/contracts';
import type { Report } from '@tenfold/contracts';
import { CallError, InjectCalls } from '@tenfold/rpc';
import type { CallClient } from '@tenfold/rpc';
import { Health } from '@tenfold/service';
import { createContext, currentContext, outsideStatementBudget, runInContext } from '@tenfold/telemetry';
import { viewOf } from './report.view.ts';

const pollMs = 300;
const callMs = 2000;
/** Longest life of one stream; the browser's EventSource then connects again by itself. */
const streamMs = 60_000;
/** Proxies give up on connections that are silent for longer than this. */
const heartbeatMs = 10_000;

const ended = new Set<Report['state']>(['done', 'failed', 'cancelled']);

/** Follows a report for a client and tells it each change as a server-sent event. */
@Injectable()
export class ReportEvents {
  constructor(
    @InjectCalls(workerCalls) private readonly worker: CallClient<typeof workerCalls>,
    private readonly health: Health,
  ) {}

  /**
   * The lines of an event stream: until the report is done, failed or cancelled, for a minute at most, and not beyond the life of
   * this replica, after which the client connects to another.
   *
   * @param first the report as just read, so that the stream begins at once
   */
  async *follow(accountId: string, first: Report): AsyncGenerator<string> {
    const { stopping } = this.health;
    const endsAt = Date.now() + streamMs;
    let report = first;
    let told = '';
    let toldAt = 0;
    while (!stopping.aborted) {
      const event = `event: report\ndata: ${JSON.stringify(viewOf(report))}\n\n`;
      if (event !== told) {
        yield event;
        told = event;
        toldAt = Date.now();
      } else if (Date.now() - toldAt >= heartbeatMs) {
        yield ': still there\n\n';
        toldAt = Date.now();
      }
      if (ended.has(report.state) || Date.now() >= endsAt) return;
      await delay(pollMs, undefined, { signal: stopping }).catch(() => undefined);
      report = await this.#read(accountId, report);
    }
  }

  /** The report as it is now, or as it last was when the worker does not answer: the next look may succeed. */
  async #read(accountId: string, last: Report): Promise<Report> {
    // The stream outlives the request's deadline, so each look has one of its own.
    const { requestId, traceId, positions } = currentContext() ?? {};
    const context = createContext({
      deadline: Date.now() + callMs,
      ...(requestId !== undefined && { requestId }),
      ...(traceId !== undefined && { traceId }),
      ...(positions && { positions }),
    });
    try {
      return await outsideStatementBudget(() => runInContext(context, () => this.worker.getReport({ accountId, id: last.id })));
    } catch (error) {
      if (error instanceof CallError) return last;
      throw error;
    }
  }
}
