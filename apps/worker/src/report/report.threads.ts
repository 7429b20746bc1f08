import { MessageChannel } from 'node:worker_threads';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Piscina } from 'piscina';
import type { ReportCheckpoint, ReportTask } from './report.thread.ts';

const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Of a thread, in MiB. A report that needs more ends with an error, not with the process: its memory must not depend on its rows. */
const heapLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 8 };

export interface ReportThreadsOptions {
  objectStore: string;
  /** Rows of a page, i.e. of one statement. Default 2000. */
  pageRows?: number;
  /** Rows between two checkpoints. Default 20,000. */
  partRows?: number;
}

/** Writes reports in worker threads: what they compute and compress holds up nothing else in the process. */
export class ReportThreads implements OnApplicationShutdown {
  readonly #options: Required<ReportThreadsOptions>;
  readonly #threads = new Piscina<ReportTask, string>({
    filename: new URL(`./report.thread.${ending}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: 2,
    idleTimeout: 30_000,
    resourceLimits: heapLimits,
  });

  constructor({ objectStore, pageRows = 2000, partRows = 20_000 }: ReportThreadsOptions) {
    this.#options = { objectStore, pageRows, partRows };
  }

  /**
   * @param save is given each checkpoint; the report goes on when it resolves
   * @param signal ends the thread, wherever it is
   * @returns the file's key
   */
  async write(
    report: Omit<ReportTask, keyof ReportThreadsOptions | 'port'>,
    save: (checkpoint: ReportCheckpoint) => Promise<void>,
    signal: AbortSignal,
  ): Promise<string> {
    const { port1, port2 } = new MessageChannel();
    const refused = new AbortController();
    port1.on('message', (checkpoint: ReportCheckpoint) => {
      save(checkpoint).then(
        () => port1.postMessage('saved'),
        (error: unknown) => refused.abort(error),
      );
    });
    try {
      const task: ReportTask = { ...report, ...this.#options, port: port2 };
      return await this.#threads.run(task, { transferList: [port2], signal: AbortSignal.any([signal, refused.signal]) });
    } catch (error) {
      throw refused.signal.aborted ? refused.signal.reason : error;
    } finally {
      port1.close();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#threads.destroy();
  }
}
