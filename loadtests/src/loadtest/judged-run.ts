import { resultOf } from '../k6/k6.summary.ts';
import type { MachineSpeed } from '../machine/machine.speed.ts';
import { isOfEndpoint, judge, judgeLatency, shareOf, verdict } from '../report/verdicts.ts';
import type { Verdict } from '../report/verdicts.ts';
import type { Targets } from '../report/targets.ts';
import { commitName, machineFacts } from '../results/machine.ts';
import type { RunResult } from '../results/run-result.ts';
import { kneeOf, recoverySeconds } from './knee.ts';
import type { Knee } from './knee.ts';
import { judgedEndpoints, machineCores } from './run-shape.ts';
import type { Measurement } from './run-shape.ts';

/** Share of all cores, and lateness of requests, from which a generator measures itself. */
const SATURATED_SHARE = 0.8;
const LATE_MS = 50;

export interface RunFacts {
  label: string | undefined;
  machine: MachineSpeed;
  settings: RunResult['settings'];
  k6: string;
}

/** Holds a measurement against the targets of its test, and makes the record of it. */
export function judgeRun(measured: Measurement, targets: Targets, facts: RunFacts, soak: RunResult['soak'] = undefined): RunResult {
  const { shape, summary, phases, judged, errors, dropped, memory, lag, jobsDone, latenessP95Ms } = measured;
  const overall = resultOf(summary, shape.judged);
  const endpoints = judgedEndpoints(measured, Object.keys(targets.endpoints));
  const seconds = phases.find(({ endpoint }) => endpoint === shape.judged)?.seconds ?? 0;
  // A request that started at the very end of a phase may count as one of the next.
  const rate = Math.round(overall.requests / seconds);
  const generator = judged.cores.find(({ name }) => name === 'k6')?.cores ?? 0;
  const system = judged.cores.filter(({ name }) => name !== 'k6').reduce((sum, { cores }) => sum + cores, 0);
  const perRequest = (cores: number) => (overall.requests === 0 ? 0 : (cores * judged.seconds * 1000) / overall.requests);

  const steps = phases.filter(({ endpoint }) => endpoint.endsWith('/s')).map((result) => ({ result, usage: measured.usage.get(result.endpoint) }));
  const knee = shape.name === 'stress' || shape.name === 'breakpoint' ? kneeOf(steps, targets.overall, machineCores) : undefined;
  const recovery = shape.name === 'spike' ? recoverySeconds(phases.filter(({ endpoint }) => endpoint.startsWith('after ')), targets.overall) : undefined;
  const verdicts = verdictsOf(measured, { ...targets, rate: shape.rate }, { knee, recovery, soak });
  const reason = voidReason(generator, system, dropped > 0 ? 0 : latenessP95Ms);
  return {
    version: 1,
    at: new Date().toISOString(),
    test: shape.name,
    ...(facts.label !== undefined && { label: facts.label }),
    commit: commitName(),
    machine: { ...machineFacts(), ...facts.machine, k6: facts.k6 },
    settings: facts.settings,
    rate,
    overall,
    endpoints,
    phases,
    dropped,
    errors,
    generator: { cores: generator, cpuMsPerRequest: perRequest(generator), latenessP95Ms },
    ...(judged.machine !== undefined && { machineCores: judged.machine }),
    systemCpuMsPerRequest: perRequest(system),
    processes: judged.cores.map(({ name, cores }) => ({ name, cores, mebibytes: memory.get(name) ?? 0 })),
    ...(judged.counters.cacheRequests > 0 && { cacheHitRate: shareOf(judged.counters.cacheHits, judged.counters.cacheRequests) }),
    ...(judged.counters.reads > 0 && { replicaReadShare: shareOf(judged.counters.replicaReads, judged.counters.reads) }),
    jobsDone,
    lag,
    ...(knee && { knee: withoutUndefined(knee) }),
    ...(recovery !== undefined && { recoverySeconds: recovery }),
    ...(soak && { soak }),
    verdicts: verdicts.map((one) => ({ ...one, reached: Number.isFinite(one.reached) ? one.reached : null })),
    ...(reason !== undefined && { void: reason }),
    met: reason === undefined && verdicts.every(({ met }) => met),
  };
}

interface Findings {
  knee: Knee | undefined;
  recovery: number | undefined;
  soak: RunResult['soak'];
}

function verdictsOf(measured: Measurement, targets: Targets, { knee, recovery, soak = [] }: Findings): Verdict[] {
  const { shape, summary, dropped, judged, phases } = measured;
  const overall = resultOf(summary, shape.judged);
  const endpoints = judgedEndpoints(measured, Object.keys(targets.endpoints));
  // Whether the expected traffic is held is the load test's question; what comes after the knee may fail as it likes.
  if (knee) return [verdict('requests per second at the knee', Number.parseFloat(knee.knee ?? 'NaN'), 'at least', targets.rate)];
  if (shape.name === 'spike') {
    return [
      ...judgeLatency('before the spike', overall, targets.overall),
      verdict('errors before the spike', shareOf(overall.errors, overall.requests), 'at most', targets.errorShare, 'share'),
      verdict('recovery', recovery ?? NaN, 'at most', targets.recoverySeconds, 's'),
    ];
  }
  const load = { seconds: judged.seconds, rate: Math.round(overall.requests / (phases.find(({ endpoint }) => endpoint === shape.judged)?.seconds ?? NaN)) };
  const verdicts = [
    ...judge({ ...load, overall, endpoints, dropped, errors: [], generatorCpu: 0, latestStart: 0 }, judged.counters, targets),
    ...soak.flatMap((held) => judgeHoldings(held, targets)),
  ];
  // So little traffic keeps no cache warm.
  if (shape.name === 'smoke') return verdicts.filter(({ target }) => target !== 'cache hit rate');
  // Each reading stops every replica for a collection, and a request that passes several of them meets one sooner.
  return soak.length > 0 ? verdicts.filter((one) => !isOfEndpoint(one)) : verdicts;
}

/** A heap leaks when all of its slope's interval is above the limit. */
function judgeHoldings({ replica, heap, first, last }: NonNullable<RunResult['soak']>[number], { heapGrowth, heldGrowth }: Targets): Verdict[] {
  const counts = ['descriptors', 'connections', 'timers'].filter((count) => count in last);
  return [
    verdict(`heap of ${replica}`, heap.low, 'at most', heapGrowth, 'MiB/min'),
    ...counts.map((count) => verdict(`more ${count} in ${replica}`, (last[count] ?? 0) - (first[count] ?? 0), 'at most', heldGrowth)),
  ];
}

function voidReason(generatorCores: number, systemCores: number, latenessP95Ms: number): string | undefined {
    if (generatorCores > SATURATED_SHARE * machineCores) return `the generator itself used ${generatorCores.toFixed(2)} of ${machineCores} cores`;
  if (generatorCores > systemCores) return `the generator used ${generatorCores.toFixed(2)} cores, more than the ${systemCores.toFixed(2)} of all that it tests`;
  if (latenessP95Ms > LATE_MS) return `the generator came late: 5 of 100 requests started ${Math.round(latenessP95Ms)} ms after their time or later`;
  return undefined;
}

function withoutUndefined({ knee, breakingPoint, resource }: Knee): NonNullable<RunResult['knee']> {
  return { ...(knee !== undefined && { knee }), ...(breakingPoint !== undefined && { breakingPoint }), resource };
}
