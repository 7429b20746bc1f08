import type { ClusterUrls, ProcessStatus } from '@tenfold/local-cluster';
import { countersOf, difference, lagOf, readMetrics } from './cluster-counters.ts';
import type { ClusterCounters, Lag } from './cluster-counters.ts';
import { readCpuTimes, readMachineCpu } from './cpu-times.ts';

type ObservedProcess = Pick<ProcessStatus, 'name' | 'kind' | 'pid'>;

/** What the machine, each process and all counters were at one moment. */
export interface Observation {
  /** `performance.now()`. */
  at: number;
  machine: number | undefined;
  cpu: ReadonlyMap<string, number>;
  counters: ClusterCounters;
  /** Seconds for which each replica's event loop has been busy so far. */
  loops: ReadonlyMap<string, number>;
  lag: Lag;
}

/** What happened between two observations. */
export interface Usage {
  seconds: number;
  /** Cores that the whole machine used. */
  machine: number | undefined;
  /** Cores that each process used, the busiest first. */
  cores: { name: string; cores: number }[];
  counters: ClusterCounters;
  /** The busiest event loop, 0 to 1; undefined when no replica told. */
  busiestLoop: { name: string; share: number } | undefined;
}

/** Reads everything once, some milliseconds of work for each replica. */
export async function observe(urls: Pick<ClusterUrls, 'operations'>, processes: readonly ObservedProcess[]): Promise<Observation> {
  const moment = { at: performance.now(), machine: readMachineCpu(), cpu: readCpuTimes(processes, (name) => name) };
  const pages = await readMetrics(urls);
  const samples = [...pages.values()].flat();
  return {
    ...moment,
    counters: countersOf(samples),
    loops: new Map([...pages].flatMap(([replica, page]) => page.filter(({ name }) => name === 'nodejs_eventloop_active_seconds_total').map(({ value }) => [replica, value] as const))),
    lag: lagOf(samples),
  };
}

export function usageBetween(before: Observation, after: Observation): Usage {
  const seconds = (after.at - before.at) / 1000;
  const coresOf = ([name, used]: [string, number]) => ({ name, cores: Math.max(0, used - (before.cpu.get(name) ?? 0)) / seconds });
  const busy = ([name, active]: [string, number]) => ({ name, share: Math.max(0, active - (before.loops.get(name) ?? 0)) / seconds });
  const [busiestLoop] = [...after.loops].map(busy).sort((a, b) => b.share - a.share);
  return {
    seconds,
    machine: after.machine === undefined || before.machine === undefined ? undefined : (after.machine - before.machine) / seconds,
    cores: [...after.cpu].map(coresOf).sort((a, b) => b.cores - a.cores),
    counters: difference(after.counters, before.counters),
    busiestLoop,
  };
}
