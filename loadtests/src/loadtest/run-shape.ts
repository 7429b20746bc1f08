import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { K6Program } from '../k6/k6.program.ts';
import { runK6 } from '../k6/k6.run.ts';
import { droppedIn, phaseResults, resultOf } from '../k6/k6.summary.ts';
import type { K6Summary, PhaseResult } from '../k6/k6.summary.ts';
import { secondsOf } from '../k6/schedule.ts';
import type { ErrorExample } from '../generator/load-result.ts';
import { observe, usageBetween } from '../report/observation.ts';
import type { Observation, Usage } from '../report/observation.ts';
import { whenJobsAreDone } from '../report/cluster-counters.ts';
import type { Shape } from './shapes.ts';
import type { Shoppers } from './shoppers.ts';
import type { System } from './system.ts';

const MIX_SEED = 2026;
const TIMEOUT_MS = 10_000;
/** How long jobs that the run left behind may take. */
const JOBS_WITHIN_MS = 60_000;
/** Guests without a session, for each request per second: half of the public requests, by people who think for 7 s. */
const GUESTS_PER_RATE = 2.8;

export interface ShapeRunOptions {
  system: System;
  shoppers: Shoppers;
  shape: Shape;
  scale: number;
  endpoints: readonly string[];
  k6: K6Program;
  /** Folder for k6's files. */
  folder: string;
  reportFile: string | undefined;
  /** Milliseconds of CPU that the generator wastes for each request: only to show that it is found out. Default 0. */
  wasteMs?: number;
  /** Runs beside the judged phase, until the signal that it gets. */
  whileJudged?: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/** All that a run measured, not yet judged. */
export interface Measurement {
  shape: Shape;
  summary: K6Summary;
  phases: PhaseResult[];
  /** What each phase used, by its name; the judged one's is {@link judged}. */
  usage: ReadonlyMap<string, Usage>;
  judged: Usage;
  errors: Omit<ErrorExample, 'count'>[];
  dropped: number;
  latenessP95Ms: number;
  memory: ReadonlyMap<string, number>;
  lag: { messages: number; outboxSeconds: number; drainedSeconds: number };
  jobsDone: number;
}

/** Drives the mix in the given shape and observes the system at the end of each of its phases. */
export async function runShape(options: ShapeRunOptions): Promise<Measurement> {
  const { system, shoppers, shape, scale, k6, folder, reportFile, wasteMs = 0, signal, onProgress } = options;
  const processes: Parameters<typeof observe>[1][number][] = [...(await system.processes())];
  const observations: Observation[] = [];
  let observing: Promise<void> | undefined;

  const { summary, errors } = await runK6({
    k6,
    folder,
    reportFile,
    signal,
    settings: {
      origin: system.urls.gateway,
      phases: shape.phases,
      judged: shape.judged,
      users: shape.users,
      countsLateness: !shape.mayDrop,
      endpoints: options.endpoints,
      timeoutMs: TIMEOUT_MS,
      scale,
      cookies: shoppers.cookies,
      found: shoppers.found,
      guests: Math.ceil(shape.rate * GUESTS_PER_RATE),
      run: randomUUID(),
      seed: MIX_SEED,
      wasteMs,
    },
    onStart: (startedAt, pid) => {
      if (pid !== undefined) processes.push({ name: 'k6', kind: 'component', pid });
      observing = observePhases(shape, startedAt, {
        observe: async () => void observations.push(await observe(system.urls, processes)),
        whileJudged: options.whileJudged ?? (() => Promise.resolve()),
        onProgress,
      });
      // Awaited below; until then a failure must not count as one that nobody handles.
      observing.catch(() => undefined);
    },
  });
  await observing;
  const memory = new Map((await system.processes()).map(({ name, memoryKilobytes }) => [name, memoryKilobytes / 1024]));
  onProgress('waiting for the jobs that are left');
  const jobsBegan = performance.now();
  const { jobsDone } = await whenJobsAreDone(system.urls, JOBS_WITHIN_MS);
  const drainedSeconds = (performance.now() - jobsBegan) / 1000;

  const usage = usageOfPhases(shape, observations);
  const judged = usage.get(shape.judged);
  const last = observations.at(-1);
  if (!judged || !last) throw new Error(`nothing was observed of the phase "${shape.judged}"`);
  return {
    shape,
    summary,
    phases: phaseResults(summary, shape.phases),
    usage,
    judged,
    errors,
    dropped: droppedIn(summary),
    latenessP95Ms: summary[`lateness{phase:${shape.judged}}`]?.values['p(95)'] ?? 0,
    memory,
    lag: { ...last.lag, drainedSeconds },
    jobsDone: jobsDone - (observations[0]?.counters.jobsDone ?? 0),
  };
}

/** Figures of the judged phase, in the order of the targets; endpoints without a request are left out. */
export function judgedEndpoints({ summary, shape }: Measurement, endpoints: readonly string[]) {
  return endpoints.map((endpoint) => resultOf(summary, shape.judged, endpoint)).filter(({ requests }) => requests > 0);
}

interface PhaseWatch {
  observe(): Promise<void>;
  whileJudged(signal: AbortSignal): Promise<void>;
  onProgress(line: string): void;
}

/** Observes once at the start and once at the end of each phase. */
async function observePhases({ phases, judged }: Shape, startedAt: number, watch: PhaseWatch): Promise<void> {
  await watch.observe();
  const whole = secondsOf(phases);
  let end = 0;
  for (const { name, to, seconds } of phases) {
    watch.onProgress(`${name}, ${Math.round(to)} requests/s until second ${end + seconds} of ${whole}`);
    end += seconds;
    const over = AbortSignal.timeout(Math.max(1, startedAt + end * 1000 - Date.now()));
    const beside = name === judged ? watch.whileJudged(over) : Promise.resolve();
    await Promise.all([beside, sleep(Math.max(0, startedAt + end * 1000 - Date.now()))]);
    await watch.observe();
  }
}

/** Phases of one name are one: from the beginning of the first to the end of the last. */
function usageOfPhases({ phases }: Shape, observations: readonly Observation[]): Map<string, Usage> {
  const usage = new Map<string, Usage>();
  for (const { name } of phases) {
    const before = observations[phases.findIndex((phase) => phase.name === name)];
    const after = observations[phases.findLastIndex((phase) => phase.name === name) + 1];
    if (before && after && !usage.has(name)) usage.set(name, usageBetween(before, after));
  }
  return usage;
}

/** Cores of this machine, which the generator shares with what it tests. */
export const machineCores = availableParallelism();
