import { LoadtestError } from '../loadtest/loadtest.error.ts';
import { withoutNumber } from '../report/cpu-times.ts';
import type { RunResult } from '../results/run-result.ts';
import type { LoadPoint } from './scalability-law.ts';

/** What a request of the mix costs, as a load test measured it. */
export interface MeasuredCosts {
  /** The run that costs are taken from. */
  run: RunResult;
  /** Seconds of CPU per request, of all processes of a kind: `catalog` is all of its replicas. */
  cpuSeconds: ReadonlyMap<string, number>;
  /** Mebibytes of one process of a kind, the largest. */
  mebibytes: ReadonlyMap<string, number>;
  /** Jobs and events handled per request. */
  jobsPerRequest: number;
  /** Requests in flight and answered, at each step that was measured with at least one in flight. */
  points: LoadPoint[];
}

/** The generator, the runner of the local cluster and the sink that mails end in are no part of the shop. */
const notTheShop = new Set(['k6', 'runner', 'mail']);

/** @throws LoadtestError `no-result` when no run can be used */
export function measuredCosts(results: readonly RunResult[]): MeasuredCosts {
  const counted = results.filter(({ void: reason, settings }) => reason === undefined && settings.scale >= 1);
  const clean = counted.filter(({ test, overall, dropped }) => test === 'load' && overall.errors === 0 && dropped === 0);
  const run = clean.at(-1);
  if (!run) throw new LoadtestError('no-result', 'There is no load test with all of the data and without an error to take costs from: npm run loadtest -- load --scale 1, and keep its result in loadtests/results');
  const cpuSeconds = new Map<string, number>();
  const mebibytes = new Map<string, number>();
  for (const { name, cores, mebibytes: used } of run.processes) {
    const kind = withoutNumber(name);
    if (notTheShop.has(kind)) continue;
    cpuSeconds.set(kind, (cpuSeconds.get(kind) ?? 0) + cores / run.rate);
    mebibytes.set(kind, Math.max(mebibytes.get(kind) ?? 0, used));
  }
  return { run, cpuSeconds, mebibytes, jobsPerRequest: run.jobsDone / run.overall.requests, points: pointsOf(counted, run) };
}

/** Little's law: in flight is rate times time. Of the time, the median is what results keep. */
function pointsOf(results: readonly RunResult[], { machine }: RunResult): LoadPoint[] {
  const comparable = results.filter((result) => ['load', 'stress', 'breakpoint'].includes(result.test) && result.machine.cores === machine.cores && result.machine.cpu === machine.cpu);
  return comparable
    .flatMap(({ phases }) => phases)
    .filter(({ endpoint, seconds }) => endpoint !== 'warm-up' && seconds > 0)
    .map(({ requests, errors, seconds, p50 }) => ({ rate: (requests - errors) / seconds, concurrency: (((requests - errors) / seconds) * p50) / 1000 }))
    .filter(({ concurrency }) => concurrency >= 1);
}
