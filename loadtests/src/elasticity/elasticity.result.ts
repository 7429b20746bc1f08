import type { ErrorExample } from '../generator/load-result.ts';
import type { MachineFacts } from '../results/machine.ts';
import type { ServiceState } from './cluster.api.ts';

/** One look at load and pods. */
export interface ElasticitySample {
  /** Seconds from the start. */
  second: number;
  phase: string;
  /** Requests per second that were due, and that were answered, failed and refused since the last look. */
  rate: number;
  answered: number;
  failed: number;
  refused: number;
  /** Milliseconds; 0 when nothing was answered. */
  p95: number;
  services: Record<string, ServiceState>;
}

export interface ElasticityPhase {
  name: string;
  from: number;
  to: number;
  requests: number;
  /** Without those that were refused. */
  failed: number;
  refused: number;
  p50: number;
  p95: number;
  p99: number;
  errors: ErrorExample[];
}

export interface AutoscalerFacts {
  service: string;
  minReplicas: number;
  maxReplicas: number;
  targets: Record<string, number>;
  behavior: object;
}

/** What comes at once: all sorts of requests, or only those that add jobs, faster than consumers handle them. */
export type Surge = 'spike' | 'backlog';

/** What an autoscaler did about a surge; seconds, from its beginning or from its end. */
export interface Reaction {
  surge: Surge;
  service: string;
  before: number;
  most: number;
  /** Until more pods were wanted, until one more took requests, and until all did. */
  decided: number;
  firstReady: number;
  allReady: number;
  /** From the end of the surge until fewer were wanted, and until as few as before it all were there. */
  fewerWanted: number | undefined;
  allGone: number | undefined;
}

export interface ElasticityResult {
  version: 1;
  /** ISO 8601, when it ended. */
  at: string;
  commit: string;
  machine: MachineFacts;
  settings: { rate: number; seconds: number; scale: number; customers: number };
  autoscalers: AutoscalerFacts[];
  phases: ElasticityPhase[];
  reactions: Reaction[];
  samples: ElasticitySample[];
}

/** How autoscalers answered a surge, until the next one; those that had nothing to do are left out. */
export function reactionsTo(surge: Surge, samples: readonly ElasticitySample[]): Reaction[] {
  const start = samples.findIndex(({ phase }) => phase === surge);
  const end = samples.findLastIndex(({ phase }) => phase === surge);
  const [first, last] = [samples[start], samples[end]];
  if (!first || !last) return [];
  const rest = samples.filter(({ phase }) => phase === surge || phase === `after ${surge}`);
  const afterwards = rest.filter(({ second }) => second > last.second);
  const least = (service: string) => Math.min(...samples.map(({ services }) => services[service]?.desired ?? Infinity));
  return Object.keys(first.services).flatMap((service): Reaction[] => {
    const at = (found: ElasticitySample | undefined, from: ElasticitySample) => (found === undefined ? undefined : found.second - from.second);
    const when = (holds: (state: ServiceState) => boolean, among = rest) => among.find(({ services }) => services[service] !== undefined && holds(services[service]));
    const before = samples[start - 1]?.services[service]?.desired ?? least(service);
    const most = Math.max(...rest.map(({ services }) => services[service]?.desired ?? 0));
    if (most <= before) return [];
    const decided = at(when(({ desired }) => desired > before), first);
    const firstReady = at(when(({ ready }) => ready > before), first);
    const allReady = at(when(({ ready }) => ready >= most), first);
    if (decided === undefined || firstReady === undefined || allReady === undefined) return [];
    const fewerWanted = at(when(({ desired }) => desired < most, afterwards), last);
    const allGone = at(when(({ pods, desired }) => desired <= least(service) && pods <= least(service), afterwards), last);
    return [{ surge, service, before, most, decided, firstReady, allReady, fewerWanted, allGone }];
  });
}

export function elasticityText({ phases, reactions }: ElasticityResult): string {
  const row = (cells: readonly (string | number)[]) => cells.map((cell, index) => (index === 0 ? String(cell).padEnd(20) : String(cell).padStart(11))).join('');
  const seconds = (value: number | undefined) => (value === undefined ? '-' : `${value.toFixed(0)} s`);
  return [
    row(['phase', 'requests', 'failed', 'refused', 'p50 ms', 'p95 ms', 'p99 ms']),
    ...phases.map(({ name, requests, failed, refused, p50, p95, p99 }) => row([name, requests, failed, refused, ...[p50, p95, p99].map((value) => value.toFixed(0))])),
    ...phases.flatMap(({ name, errors }) => errors.map(({ endpoint, status, detail, count }) => `  ${name}: ${count} × ${endpoint} ${status} ${detail}`)),
    ...(reactions.length > 0 ? ['', row(['reactions', 'pods', 'decided', 'one ready', 'all ready', 'fewer', 'all gone'])] : []),
    ...reactions.map(({ surge, service, before, most, decided, firstReady, allReady, fewerWanted, allGone }) => row([`${service}, ${surge}`, `${before} to ${most}`, ...[decided, firstReady, allReady, fewerWanted, allGone].map(seconds)])),
  ].join('\n');
}
