/**
 * The process behind `cluster up`: starts the cluster its parent describes, tells it how that goes, and stays.
 * If the parent goes away before all is ready (Ctrl-C), the start is taken back.
 */
import { ClusterError } from './cluster.error.ts';
import type { ClusterErrorCode } from './cluster.error.ts';
import type { ClusterOptions } from './cluster.options.ts';
import { startCluster } from './cluster.ts';
import type { Timing } from './timeline.ts';

/** What the runner tells its parent. */
export type RunnerMessage =
  | { kind: 'progress'; line: string }
  | { kind: 'ready'; timings: readonly Timing[] }
  | { kind: 'failed'; code: ClusterErrorCode | undefined; message: string };

const cancel = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cancel.abort());
process.once('disconnect', () => cancel.abort());

/** Resolves when the message is on its way; a parent that is gone is no error. */
function tell(message: RunnerMessage): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) resolve();
    else process.send?.(message, undefined, undefined, () => resolve());
  });
}

try {
  const options = JSON.parse(process.argv[2] ?? '{}') as ClusterOptions;
  const cluster = await startCluster({
    ...options,
    signal: cancel.signal,
    onProgress(line) {
      process.stdout.write(`${new Date().toISOString()} ${line}\n`);
      void tell({ kind: 'progress', line });
    },
  });
  process.removeAllListeners('disconnect');
  cancel.signal.addEventListener('abort', () => void cluster.stop());
  await tell({ kind: 'ready', timings: cluster.timings });
  process.disconnect?.();
  await cluster.stopped;
} catch (error) {
  process.removeAllListeners('disconnect');
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  await tell({ kind: 'failed', code: error instanceof ClusterError ? error.code : undefined, message: (error as Error).message });
  process.exitCode = 1;
}
if (process.connected) process.disconnect();
