import type { LoadResult } from '../generator/load-result.ts';
import type { ClusterCounters } from './cluster-counters.ts';
import type { Targets } from './targets.ts';

/** One target and what was reached. */
export interface Verdict {
  target: string;
  reached: number;
  limit: number;
  /** Which side of the limit is right. */
  rule: 'at least' | 'at most' | 'below' | 'above';
  unit: 'ms' | 'share' | 'count';
  met: boolean;
}

const holds: Record<Verdict['rule'], (reached: number, limit: number) => boolean> = {
  'at least': (reached, limit) => reached >= limit,
  'at most': (reached, limit) => reached <= limit,
  below: (reached, limit) => reached < limit,
  above: (reached, limit) => reached > limit,
};

/** Holds a run against the targets. What was never measured, such as a rate of no requests at all, is not met. */
export function judge(load: LoadResult, counters: ClusterCounters, targets: Targets): Verdict[] {
  const verdict = (target: string, reached: number, rule: Verdict['rule'], limit: number, unit: Verdict['unit'] = 'count'): Verdict => ({
    target,
    reached,
    limit,
    rule,
    unit,
    met: holds[rule](reached, limit),
  });
  const { overall, endpoints } = load;
  return [
    verdict('requests per second', load.rate, 'at least', targets.rate),
    verdict('p95 overall', overall.requests === 0 ? Infinity : overall.p95, 'below', targets.p95Ms.overall, 'ms'),
    ...endpoints.map(({ endpoint, p95 }) => verdict(`p95 of ${endpoint}`, p95, 'below', targets.p95Ms.eachEndpoint, 'ms')),
    verdict('errors', overall.errors, 'at most', targets.errors),
    verdict('dropped requests', load.dropped, 'at most', targets.dropped),
    verdict('cache hit rate', shareOf(counters.cacheHits, counters.cacheRequests), 'above', targets.cacheHitRate, 'share'),
    verdict('reads on replicas', shareOf(counters.replicaReads, counters.reads), 'above', targets.replicaReadShare, 'share'),
  ];
}

/** NaN, which meets no target, when there was nothing to have a share of. */
function shareOf(part: number, whole: number): number {
  return part / whole;
}
