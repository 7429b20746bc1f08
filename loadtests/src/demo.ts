import { randomUUID } from 'node:crypto';
import type { Cluster } from '@tenfold/local-cluster';
import type { LoadSecond } from './generator/load-result.ts';
import { openMixLoad } from './generator/mix-load.ts';
import type { MachineSpeed } from './machine/machine.speed.ts';
import { warmUp } from './mix/warm-up.ts';
import type { Progress } from './progress.ts';
import { difference, readCounters, readLag, whenJobsAreDone } from './report/cluster-counters.ts';
import { readCpuTimes } from './report/cpu-times.ts';
import { reportOf } from './report/demo-report.ts';
import type { DemoReport, Measured } from './report/demo-report.ts';
import type { Targets } from './report/targets.ts';
import { accountEmail, PASSWORD } from './seed/account.ts';

/** Customers that are logged in. More would only lengthen the start: a log-in costs the server a quarter of a second of CPU. */
const CUSTOMERS = 60;
/** Until caches are as full as they stay; a slow machine needs longer for that, up to a limit. */
const WARM_UP_REQUESTS = 3600;
const LONGEST_WARM_UP_SECONDS = 40;
/** How long jobs that the run left behind may take. */
const JOBS_WITHIN_MS = 60_000;
const MIX_SEED = 2026;

export interface MixRunOptions {
  scale: number;
  rate: number;
  seconds: number;
  /** Ends the traffic, and so the measurement, by an error. */
  signal: AbortSignal;
}

export interface DemoRunOptions extends MixRunOptions {
  startSeconds: number;
  machine: MachineSpeed;
  targets: Targets;
}

/** What was measured of one run. */
export type MixRun = Omit<Measured, 'machine' | 'startSeconds' | 'timings'>;

/** Drives the mix against a seeded cluster, first to warm it up, then to measure it, and reports. */
export async function measureMix(cluster: Cluster, { startSeconds, machine, targets, ...options }: DemoRunOptions, progress: Progress): Promise<DemoReport> {
  const run = await measureRun(cluster, options, warmUp(Math.min(LONGEST_WARM_UP_SECONDS, Math.round(WARM_UP_REQUESTS / options.rate))), progress);
  return reportOf({ ...run, machine, startSeconds, timings: cluster.timings }, targets);
}

/** @param steps of the warm-up: shares of the rate, and how long each lasts */
export async function measureRun(
  cluster: Cluster,
  { rate, seconds, scale, signal }: MixRunOptions,
  steps: readonly { share: number; seconds: number }[],
  progress: Progress,
): Promise<MixRun> {
  const { urls } = cluster;
  progress.show(`logging in ${CUSTOMERS} customers`);
  const load = await openMixLoad({
    origin: urls.gateway,
    customers: Array.from({ length: CUSTOMERS }, (_, index) => ({ email: accountEmail(index + 1), password: PASSWORD })),
    scale,
    run: randomUUID(),
    seed: MIX_SEED,
  });
  const close = () => void load.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    for (const { share, seconds } of steps) {
      const { errors } = await load.run({ rate: rate * share, seconds, onSecond: (second) => progress.show(secondText('warm-up', seconds, second)) });
      for (const { endpoint, status, detail, count } of errors) progress.say(`  warm-up: ${count} x ${endpoint}: ${status || 'no answer'} ${detail}`);
    }
    const before = await readCounters(urls);
    const cpuBefore = readCpuTimes(cluster.processes());
    const began = performance.now();
    const result = await load.run({ rate, seconds, onSecond: (second) => progress.show(secondText('run', seconds, second)) });
    const elapsed = (performance.now() - began) / 1000;
    const processes = cluster.processes();
    const cpuAfter = readCpuTimes(processes);
    const [after, lag] = await Promise.all([readCounters(urls), readLag(urls)]);
    progress.show('waiting for the jobs that are left');
    const late = await whenJobsAreDone(urls, JOBS_WITHIN_MS);
    const jobs = {
      jobsDone: late.jobsDone,
      jobsRetried: late.jobsRetried,
      jobsDead: late.jobsDead,
      mails: late.mails,
    };
    const counters = difference({ ...after, ...jobs }, before);
    return { load: result, counters, lag, processes, cpuBefore, cpuAfter, elapsed };
  } finally {
    signal.removeEventListener('abort', close);
    await load.close();
  }
}

function secondText(phase: string, seconds: number, { second, answered, errors, underWay, dropped, p95 }: LoadSecond): string {
  const when = second <= seconds ? `${phase} ${second}/${seconds} s` : `${phase}, last answers`;
  const trouble = [errors > 0 ? `, ${errors} errors` : '', dropped > 0 ? `, ${dropped} dropped` : ''].join('');
  return `${when}: ${answered} requests/s, p95 ${p95.toFixed(1)} ms, ${underWay} under way${trouble}`;
}
