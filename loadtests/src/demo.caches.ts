import { startCluster } from '@tenfold/local-cluster';
import { measureRun } from './demo.ts';
import type { MixRunOptions } from './demo.ts';
import type { Progress } from './progress.ts';
import type { ClusterCounters } from './report/cluster-counters.ts';
import { milliseconds, table, whole } from './report/report-text.ts';
import { seedAll } from './seed/seed.ts';

/** Enough for connections and compilation; what caches hold then is what the mix keeps in them. */
const WARM_UP = [{ share: 1, seconds: 10 }] as const;

export interface CacheComparison extends MixRunOptions {
  /** Settings of services that every one of the runs has. */
  environment: Readonly<Record<string, Readonly<Record<string, string>>>>;
  install: boolean;
}

interface Outcome {
  off: string;
  /** Reads of databases, and what caches asked of their sources, per 1,000 requests. */
  reads: number;
  loads: number;
  hitRate: number;
  cpuMs: number;
  p50: number;
  p95: number;
  errors: number;
}

/**
 * The mix with all caches on, with each one off, and with none, each on a shop of its own over the same data. How often
 * databases are read says what a cache spares; CPU and latency are this machine's, one run after the other.
 */
export async function compareCaches(options: CacheComparison, progress: Progress): Promise<string> {
  const all = await runWith('nothing', {}, options, progress);
  const outcomes = [all.outcome];
  for (const cache of Object.keys(all.counters.caches)) {
    outcomes.push((await runWith(cache, { '*': { CACHE_OFF: cache } }, options, progress)).outcome);
  }
  outcomes.push((await runWith("the balancer's", { haproxy: { CACHE: 'off' } }, options, progress)).outcome);
  outcomes.push((await runWith('all of them', { '*': { CACHE_OFF: '*' }, haproxy: { CACHE: 'off' } }, options, progress)).outcome);
  const columns = ['caches off', 'database reads', 'asked of sources', 'hit rate', 'CPU a request', 'p50', 'p95', 'errors'];
  const rows = outcomes.map(({ off, reads, loads, hitRate, cpuMs, p50, p95, errors }) => [
    off,
    whole(reads),
    whole(loads),
    `${(hitRate * 100).toFixed(1)} %`,
    `${cpuMs.toFixed(2)} ms`,
    milliseconds(p50),
    milliseconds(p95),
    whole(errors),
  ]);
  return [`${whole(options.rate)} requests/s for ${options.seconds} s each; reads and what was asked of sources per 1,000 requests`, '', ...table([columns, ...rows])].join('\n');
}

async function runWith(
  off: string,
  settings: Readonly<Record<string, Readonly<Record<string, string>>>>,
  { scale, rate, seconds, environment, install, signal }: CacheComparison,
  progress: Progress,
): Promise<{ outcome: Outcome; counters: ClusterCounters }> {
  const say = (line: string) => progress.show(`  caches off: ${off}: ${line}`);
  const cluster = await startCluster({
    environment: { ...environment, ...settings },
    install,
    signal,
    onProgress: say,
    beforeServices: ({ urls }) => seedAll({ urls, scale, onProgress: say }),
  });
  try {
    const { load, counters, cpuBefore, cpuAfter } = await measureRun(cluster, { rate, seconds, scale, signal }, WARM_UP, progress);
    const { requests, p50, p95, errors } = load.overall;
    const perThousand = (value: number) => (value / requests) * 1000;
    const outcome: Outcome = {
      off,
      reads: perThousand(counters.reads),
      loads: perThousand(counters.cacheRequests - counters.cacheHits),
      hitRate: counters.cacheRequests === 0 ? 0 : counters.cacheHits / counters.cacheRequests,
      cpuMs: perThousand(secondsOf(cpuAfter) - secondsOf(cpuBefore)),
      p50,
      p95,
      errors,
    };
    return { outcome, counters };
  } finally {
    await cluster.stop();
  }
}

function secondsOf(cpu: ReadonlyMap<string, number>): number {
  return [...cpu.values()].reduce((sum, seconds) => sum + seconds, 0);
}
