import type { EndpointResult, LoadResult } from '../generator/load-result.ts';
import type { ClusterCounters } from './cluster-counters.ts';
import type { Targets } from './targets.ts';

/** One target and what was reached. */
export interface Verdict {
  target: string;
  reached: number;
  limit: number;
  /** Which side of the limit is right. */
  rule: 'at least' | 'at most' | 'below' | 'above';
  unit: 'ms' | 'share' | 'count' | 'MiB/min' | 's';
  met: boolean;
}

const holds: Record<Verdict['rule'], (reached: number, limit: number) => boolean> = {
  'at least': (reached, limit) => reached >= limit,
  'at most': (reached, limit) => reached <= limit,
  below: (reached, limit) => reached < limit,
  above: (reached, limit) => reached > limit,
};

/** Holds one figure against its limit; NaN meets none. */
export function verdict(target: string, reached: number, rule: Verdict['rule'], limit: number, unit: Verdict['unit'] = 'count'): Verdict {
  return { target, reached, limit, rule, unit, met: holds[rule](reached, limit) };
}

/** Holds a run against the targets. What was never measured, such as a rate of no requests at all, is not met. */
export function judge(load: LoadResult, counters: ClusterCounters, targets: Targets): Verdict[] {
  const { overall, endpoints } = load;
  return [
    verdict('requests per second', load.rate, 'at least', targets.rate),
    ...judgeLatency('overall', overall, targets.overall),
    ...endpoints.flatMap((result) => judgeLatency(`of ${result.endpoint}`, result, targets.endpoints[result.endpoint] ?? targets.overall)),
    verdict('errors', shareOf(overall.errors, overall.requests), 'at most', targets.errorShare, 'share'),
    verdict('dropped requests', load.dropped, 'at most', targets.dropped),
    ...judgeCounters(counters, targets),
  ];
}

export function judgeLatency(whose: string, { requests, p95, p99 }: EndpointResult, { p95Ms, p99Ms }: Targets['overall']): Verdict[] {
  const reached = (value: number) => (requests === 0 ? Infinity : value);
  return [verdict(`p95 ${whose}`, reached(p95), 'below', p95Ms, 'ms'), verdict(`p99 ${whose}`, reached(p99), 'below', p99Ms, 'ms')];
}

/** Whether it is one endpoint's latency, and not a figure of the whole run. */
export function isOfEndpoint({ target }: Pick<Verdict, 'target'>): boolean {
  return /^p\d+ of /.test(target);
}

export function judgeCounters(counters: ClusterCounters, targets: Pick<Targets, 'cacheHitRate' | 'replicaReadShare'>): Verdict[] {
  return [
    verdict('cache hit rate', shareOf(counters.cacheHits, counters.cacheRequests), 'above', targets.cacheHitRate, 'share'),
    verdict('reads on replicas', shareOf(counters.replicaReads, counters.reads), 'above', targets.replicaReadShare, 'share'),
  ];
}

/** NaN, which meets no target, when there was nothing to have a share of. */
export function shareOf(part: number, whole: number): number {
  return part / whole;
}
