import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurements } from '../generator/measurements.ts';
import { logIn } from '../generator/log-in.ts';
import { LoadtestError } from '../loadtest/loadtest.error.ts';
import { Mix } from '../mix/mix.ts';
import { traffics } from '../mix/traffics.ts';
import { commitName, machineFacts } from '../results/machine.ts';
import { accountEmail, PASSWORD } from '../seed/account.ts';
import { openClusterApi, valuesOf } from './cluster.api.ts';
import type { ClusterApi } from './cluster.api.ts';
import { reactionsTo } from './elasticity.result.ts';
import type { ElasticityPhase, ElasticityResult, ElasticitySample } from './elasticity.result.ts';
import { SteeredLoad } from './steered.load.ts';

/** Where `npm run deploy` brings the shop. */
const NAMESPACE = 'tenfold';
const SAMPLE_MS = 2_000;
const RISE_SECONDS = 5;
/** Shares of the spike's rate. Of a backlog's, all add jobs: in the shop, these are three times the spike's checkouts. */
const BASE = 1 / 6;
const RAMPED = 1 / 2;
const BACKLOG = 1 / 4;
/** Longest time that autoscalers may need to come down: their five minutes, a pod a minute, and as long again. */
const PATIENCE_SECONDS = 900;

export const elasticityParts = ['spike', 'backlog', 'rollout'] as const;
export type ElasticityPart = (typeof elasticityParts)[number];

export interface ElasticityOptions {
  url: string;
  /** Requests per second of the spike. */
  rate: number;
  /** How long a surge lasts; what comes before the spike is as long again in all. */
  seconds: number;
  /** Leaves out the other parts. Default all. */
  only: ElasticityPart | undefined;
  /** Size of the seeded shop. */
  scale: number;
  customers: number;
  signal: AbortSignal;
  onProgress: (line: string) => void;
}

/**
 * Has a shop in Kubernetes scale out and in: some traffic, a ramp, a spike of six times as much, some traffic again until
 * no pod is left too many; more jobs than the consumers handle, and some traffic again; and a rollout of each service.
 *
 * @throws LoadtestError `no-kubernetes` without KUBECONFIG, or a shop whose autoscalers get all of their metrics
 */
export async function elasticity(options: ElasticityOptions): Promise<ElasticityResult> {
  const api = await openClusterApi(NAMESPACE);
  try {
    return await measure(api, options);
  } finally {
    api.close();
  }
}

async function measure(api: ClusterApi, { url, rate: peak, seconds, only, scale, customers, signal, onProgress }: ElasticityOptions): Promise<ElasticityResult> {
  const least = await requireMetrics(api, signal, onProgress);
  const isAtRest: Holds = ({ services }) => Object.entries(services).every(([name, { desired, pods, ready }]) => [desired, pods, ready].every((count) => count === least.get(name)));
  onProgress(`logging in ${customers} customers`);
  const cookies = await logIn(url, Array.from({ length: customers }, (_, index) => ({ email: accountEmail(index + 1), password: PASSWORD })));
  const people = { scale, cookies, seed: Date.now() };
  const addingJobs = traffics.filter(({ addsJobs }) => addsJobs);
  const load = new SteeredLoad(url, new Mix({ ...people, run: `elasticity-${Date.now()}` }));
  const watch = new Watch(api, load, onProgress);
  const base = peak * BASE;
  try {
    load.enter(() => base);
    const plays = (part: ElasticityPart) => only === undefined || only === part;
    if (only !== 'rollout') await watch.until(isAtRest, PATIENCE_SECONDS, 'autoscalers at rest', signal);
    watch.begin();
    const untilAllGone = () => watch.until(isAtRest, PATIENCE_SECONDS, 'all pods too many gone', signal);
    const wait = (length: number) => () => sleep(length * 1000, undefined, { signal });
    if (plays('spike')) {
      await watch.phase('before', () => base, wait(seconds / 3));
      await watch.phase('ramp', risingRate(base, peak * RAMPED, seconds / 3), wait((seconds * 2) / 3));
      await watch.phase('spike', risingRate(peak * RAMPED, peak, RISE_SECONDS), wait(seconds));
      await watch.phase('after spike', () => base, untilAllGone);
    }
    if (plays('backlog') && addingJobs.length > 0) {
      const jobs = new Mix({ ...people, run: `backlog-${Date.now()}`, traffics: addingJobs });
      await watch.phase('before backlog', () => base, wait(seconds / 3));
      await watch.phase('backlog', () => peak * BACKLOG, wait(seconds), jobs);
      await watch.phase('after backlog', () => base, untilAllGone);
    }
    if (plays('rollout')) {
      for (const service of least.keys()) await watch.phase(`rollout ${service}`, () => base, () => api.rollOut(service));
    }
  } finally {
    await load.stop();
    watch.close();
  }
  const autoscalers = (await api.autoscalers()).map(({ metadata: { name: service }, spec: { minReplicas, maxReplicas, metrics, behavior } }) => ({ service, minReplicas, maxReplicas, targets: valuesOf(metrics, 'target'), behavior }));
  const { samples } = watch;
  return {
    version: 1,
    at: new Date().toISOString(),
    commit: commitName(),
    machine: machineFacts(),
    settings: { rate: peak, seconds, scale, customers },
    autoscalers,
    phases: watch.phases(),
    reactions: [...reactionsTo('spike', samples), ...reactionsTo('backlog', samples)],
    samples,
  };
}

/** From now on: a rate that rises evenly, and stays where it ends. */
function risingRate(from: number, to: number, seconds: number): () => number {
  const began = performance.now();
  return () => from + (to - from) * Math.min(1, (performance.now() - began) / 1000 / seconds);
}

type Holds = (sample: ElasticitySample) => boolean;

/** Without its metric, an autoscaler goes by CPU alone, and the curve would say nothing. @returns the fewest pods of each service */
async function requireMetrics(api: ClusterApi, signal: AbortSignal, onProgress: (line: string) => void): Promise<Map<string, number>> {
  for (let tries = 0; ; tries++) {
    const autoscalers = await api.autoscalers();
    const missing = autoscalers.flatMap(({ metadata, spec, status }) => {
      const current = valuesOf(status.currentMetrics ?? [], 'current');
      return Object.keys(valuesOf(spec.metrics, 'target')).filter((name) => current[name] === undefined).map((name) => `${metadata.name} ${name}`);
    });
    if (missing.length === 0) return new Map(autoscalers.map(({ metadata, spec }) => [metadata.name, spec.minReplicas]));
    if (tries === 60) throw new LoadtestError('no-kubernetes', `These autoscalers have no value of their metric: ${missing.join(', ')}. kubectl describe hpa -n ${NAMESPACE} says why.`);
    onProgress(`waiting for ${missing.join(', ')}`);
    await sleep(2_000, undefined, { signal });
  }
}

/** Looks at load and pods every two seconds. */
class Watch {
  readonly samples: ElasticitySample[] = [];
  readonly #api: ClusterApi;
  readonly #load: SteeredLoad;
  readonly #onProgress: (line: string) => void;
  readonly #phases: { name: string; from: number; to: number; measurements: Measurements }[] = [];
  readonly #ticker: NodeJS.Timeout;
  #phase = 'settling';
  #began = performance.now();
  #latest: ElasticitySample | undefined;

  constructor(api: ClusterApi, load: SteeredLoad, onProgress: (line: string) => void) {
    this.#api = api;
    this.#load = load;
    this.#onProgress = onProgress;
    let looking = false;
    this.#ticker = setInterval(() => {
      if (looking) return;
      looking = true;
      // One look that fails is a gap in the curve.
      void this.#look().catch((error: Error) => onProgress(error.message)).finally(() => (looking = false));
    }, SAMPLE_MS);
  }

  /** What was seen until now was settling. */
  begin(): void {
    this.samples.length = 0;
    this.#began = performance.now();
  }

  /** @param mix what is asked for meanwhile. Default all that the shop offers */
  async phase(name: string, rate: () => number, meanwhile: () => Promise<unknown>, mix?: Mix): Promise<void> {
    this.#phase = name;
    const phase = { name, from: this.#seconds(), to: 0, measurements: this.#load.enter(rate, mix) };
    this.#phases.push(phase);
    await meanwhile();
    phase.to = this.#seconds();
  }

  /** @throws LoadtestError when it does not come to hold in time */
  async until(holds: Holds, seconds: number, what: string, signal: AbortSignal): Promise<void> {
    const patience = performance.now() + seconds * 1000;
    while (!this.#latest || !holds(this.#latest)) {
      if (performance.now() > patience) throw new LoadtestError('no-kubernetes', `${what}: not within ${seconds} s`);
      await sleep(SAMPLE_MS, undefined, { signal });
    }
  }

  phases(): ElasticityPhase[] {
    return this.#phases.map(({ name, from, to, measurements }) => {
      const { requests, errors, p50, p95, p99 } = measurements.overall();
      return { name, from, to, requests, failed: errors - measurements.refused, refused: measurements.refused, p50, p95, p99, errors: measurements.examples() };
    });
  }

  close(): void {
    clearInterval(this.#ticker);
  }

  async #look(): Promise<void> {
    const services = await this.#api.states();
    const { answered, errors, refused, p95 } = this.#load.take();
    const second = this.#seconds();
    const perSecond = (count: number) => count / (second - (this.samples.at(-1)?.second ?? second - SAMPLE_MS / 1000));
    const sample = { second, phase: this.#phase, rate: this.#load.rate, answered: perSecond(answered), failed: perSecond(errors - refused), refused: perSecond(refused), p95, services };
    this.#latest = sample;
    this.samples.push(sample);
    const pods = Object.entries(services).map(([name, { desired, ready }]) => `${name} ${ready}/${desired}`);
    this.#onProgress(`${Math.round(second)} s ${this.#phase}: ${sample.rate.toFixed(0)}/s, p95 ${p95.toFixed(0)} ms, ${errors} errors; ${pods.join(', ')}`);
  }

  #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
