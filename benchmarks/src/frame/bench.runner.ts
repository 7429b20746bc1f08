import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Goal, ServiceCalls } from './bench.ts';
import { onCore } from './cores.ts';
import type { Measured } from './measure.ts';

/** What a run of a bench measured; plain data. */
export interface BenchResult extends Measured {
  title: string;
  unit: string;
  reference: string;
  goals: Goal[];
}

/** What the bench's process says. */
export type BenchMessage = { kind: 'round'; round: number; of: number } | { kind: 'result'; result: BenchResult };

/**
 * Runs one bench in a process of its own, so that neither the cluster's supervision nor another bench is part of it.
 *
 * @param options.urls addresses of the servers it asked for
 * @param options.calls how to call the services it asked for
 * @throws Error when it ends without a result; what it printed says why
 */
export async function runBenchProcess(
  bundle: string,
  { urls, calls, signal, onRound }: { urls: unknown; calls: ServiceCalls; signal: AbortSignal; onRound: (round: number, of: number) => void },
): Promise<BenchResult> {
  const [command = process.execPath, ...before] = [...onCore(0), process.execPath];
  const flags = ['--expose-gc', '--enable-source-maps', '--disable-warning=ExperimentalWarning'];
  const child = fork(fileURLToPath(new URL('bench.process.ts', import.meta.url)), [bundle, JSON.stringify(urls), JSON.stringify(calls)], {
    execPath: command,
    execArgv: [...before, ...flags],
    signal,
  });
  let result: BenchResult | undefined;
  child.on('message', (message: BenchMessage) => {
    if (message.kind === 'result') result = message.result;
    else onRound(message.round, message.of);
  });
  const [code, endedBy] = (await once(child, 'exit')) as [number | null, string | null];
  if (result && code === 0) return result;
  throw new Error(`The bench ended without a result (${endedBy ?? `exit code ${code}`}).`);
}
