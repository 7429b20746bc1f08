import type { ProcessStatus, Timing } from '@tenfold/local-cluster';
import type { LoadResult } from '../generator/load-result.ts';
import type { MachineSpeed } from '../machine/machine.speed.ts';
import { machineFacts } from '../results/machine.ts';
import type { MachineFacts } from '../results/machine.ts';
import type { ClusterCounters, Lag } from './cluster-counters.ts';
import { judge } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';
import type { Targets } from './targets.ts';

/** What the demo measured; plain data, written as JSON beside the text. */
export interface DemoReport {
  /** ISO 8601. */
  at: string;
  machine: MachineFacts & MachineSpeed;
  load: LoadResult;
  /** During the run, and of the jobs it left behind. */
  counters: ClusterCounters;
  /** Right after the run. */
  lag: Lag;
  /** Right after the run. */
  memory: { name: string; mebibytes: number }[];
  /** Cores used on average during the run, the busiest first; empty where the system does not tell. */
  cpu: { name: string; cores: number }[];
  /** The cluster's start with the seed, in seconds, and its longest steps. */
  start: { seconds: number; steps: { step: string; seconds: number }[] };
  verdicts: Verdict[];
  /** Whether every target was met. */
  met: boolean;
}

export interface Measured {
  load: LoadResult;
  counters: ClusterCounters;
  lag: Lag;
  processes: readonly ProcessStatus[];
  /** Seconds of CPU by name, before and after the run. */
  cpuBefore: ReadonlyMap<string, number>;
  cpuAfter: ReadonlyMap<string, number>;
  /** Seconds between the two. */
  elapsed: number;
  machine: MachineSpeed;
  startSeconds: number;
  timings: readonly Timing[];
}

export function reportOf(measured: Measured, targets: Targets): DemoReport {
  const { load, counters, lag, processes, timings } = measured;
  const verdicts = judge(load, counters, targets);
  return {
    at: new Date().toISOString(),
    machine: { ...machineFacts(), ...measured.machine },
    load,
    counters,
    lag,
    memory: processes.map(({ name, memoryKilobytes }) => ({ name, mebibytes: memoryKilobytes / 1024 })),
    cpu: cpuOf(measured),
    start: {
      seconds: measured.startSeconds,
      steps: timings
        .map(({ step, tookMs }) => ({ step, seconds: tookMs / 1000 }))
        .sort((a, b) => b.seconds - a.seconds)
        .slice(0, 6),
    },
    verdicts,
    met: verdicts.every(({ met }) => met),
  };
}

/** The generator runs in the runner's process: what it used itself is taken out of the runner's share. */
function cpuOf({ load, cpuBefore, cpuAfter, elapsed }: Measured): DemoReport['cpu'] {
  const cores = [...cpuAfter].map(([name, seconds]) => ({ name, cores: (seconds - (cpuBefore.get(name) ?? 0)) / elapsed }));
  if (cores.length === 0) return [];
  const runner = cores.find(({ name }) => name === 'runner');
  if (runner) runner.cores = Math.max(0, runner.cores - load.generatorCpu);
  return [...cores, { name: 'load generator', cores: load.generatorCpu }].sort((a, b) => b.cores - a.cores);
}
