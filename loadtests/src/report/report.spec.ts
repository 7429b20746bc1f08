import { describe, expect, it, test } from 'vitest';
import { readDemoOptions } from '../demo.options.ts';
import type { LoadResult } from '../generator/load-result.ts';
import { lagOf } from './cluster-counters.ts';
import type { ClusterCounters } from './cluster-counters.ts';
import { reportOf } from './demo-report.ts';
import { parseMetrics, sumOf } from './prometheus.ts';
import { reportText } from './report-text.ts';
import { readTargets, targetsOf } from './targets.ts';

const targets = readTargets();
const endpoint = { endpoint: 'GET /v1/cart', requests: 20_000, errors: 0, p50: 5, p95: 20, p99: 40, max: 60 };
const load: LoadResult = {
  seconds: 20,
  rate: 1000,
  overall: { ...endpoint, endpoint: 'all' },
  endpoints: [endpoint],
  dropped: 0,
  errors: [],
  generatorCpu: 0.2,
  latestStart: 3,
};
const counters: ClusterCounters = { cacheRequests: 1000, cacheHits: 900, caches: { product: { requests: 1000, hits: 900 } }, reads: 100, replicaReads: 90, jobsDone: 5, jobsRetried: 1, jobsDead: 0, mails: 4 };

function report(changes: { load?: Partial<LoadResult>; counters?: Partial<ClusterCounters> }) {
  return reportOf(
    {
      load: { ...load, ...changes.load },
      counters: { ...counters, ...changes.counters },
      lag: { messages: 12, outboxSeconds: 0.25 },
      processes: [{ name: 'catalog-1', kind: 'service', pid: 1, ports: {}, state: 'ready', restarts: 0, memoryKilobytes: 102_400 }],
      cpuBefore: new Map([['runner', 1]]),
      cpuAfter: new Map([['runner', 11]]),
      elapsed: 20,
      machine: { cores: 2, roundsPerSecond: 20_000 },
      startSeconds: 12,
      timings: [],
    },
    targets,
  );
}

const missed = (changes: Parameters<typeof report>[0]) => report(changes).verdicts.filter(({ met }) => !met).map(({ target }) => target);

test.each([
  [1, 1, 5],
  [2, 25 * targets.roundsPerRequest, 50],
  [2, 160 * targets.roundsPerRequest, 300],
  [16, 160 * targets.roundsPerRequest, 1000],
])('of a machine with %i cores of %i rounds/s %i requests/s are expected', (cores, roundsPerSecond, rate) => {
  expect(targetsOf({ cores, roundsPerSecond }).rate).toBe(rate);
});

describe('the report', () => {
  it('meets all targets when each is reached', () => {
    expect(report({}).met).toBe(true);
    expect(reportText(report({}))).toContain('All targets are met.');
  });

  it('shows how far jobs are behind', () => {
    expect(reportText(report({}))).toMatch(/^behind at the end +12 messages, outbox 0\.3 s$/m);
  });

  it('counts a lag once that each member of a group tells of', () => {
    const page = (replica: number) => parseMetrics(`kafka_consumer_lag{group="worker",topic="a"} ${replica}\nkafka_consumer_lag{group="worker",topic="b"} 5\noutbox_oldest_seconds{database="orders"} ${replica}\n`);
    expect(lagOf([...page(2), ...page(3)])).toEqual({ messages: 8, outboxSeconds: 3 });
  });

  it('shows the hit rate of each cache', () => {
    const caches = { category: { requests: 0, hits: 0 }, product: { requests: 1000, hits: 900 }, stock: { requests: 50, hits: 0 } };
    expect(reportText(report({ counters: { caches } }))).toMatch(/^hit rates +product 90\.0 % of 1,000, stock 0\.0 % of 50$/m);
  });

  it.each([
    ['requests per second', { load: { rate: 999.9 } }],
    ['p99 overall', { load: { overall: { ...endpoint, p99: 500 } } }],
    ['p99 of GET /v1/cart', { load: { endpoints: [{ ...endpoint, p99: 501 }] } }],
    ['p95 overall', { load: { overall: { ...endpoint, p95: 200 } } }],
    ['p95 of GET /v1/cart', { load: { endpoints: [{ ...endpoint, p95: 201 }] } }],
    ['errors', { load: { overall: { ...endpoint, errors: 1 } } }],
    ['dropped requests', { load: { dropped: 1 } }],
    ['cache hit rate', { counters: { cacheHits: 800 } }],
    ['reads on replicas', { counters: { replicaReads: 80 } }],
  ])('fails by its target "%s" alone', (target, changes) => {
    expect(missed(changes)).toEqual([target]);
    expect(report(changes).met).toBe(false);
    expect(reportText(report(changes))).toContain('1 of 9 targets are NOT MET.');
  });

  it('does not take what was never measured for reached', () => {
    expect(missed({ counters: { cacheRequests: 0, cacheHits: 0, reads: 0, replicaReads: 0 } })).toEqual(['cache hit rate', 'reads on replicas']);
  });

  it('shows what kind of errors there were', () => {
    const errors = [{ endpoint: 'GET /v1/cart', status: 503, detail: 'no session store', count: 3 }];
    expect(reportText(report({ load: { errors } }))).toContain('3 x GET /v1/cart: 503 no session store');
  });

  it('takes the load generator out of the runner, in whose process it runs', () => {
    expect(report({}).cpu).toEqual([{ name: 'runner', cores: 0.3 }, { name: 'load generator', cores: 0.2 }]);
  });
});

describe('metrics pages', () => {
  const page = [
    '# HELP cache_requests_total Keys asked.',
    '# TYPE cache_requests_total counter',
    'cache_requests_total{cache="product",outcome="memory"} 7',
    'cache_requests_total{cache="listing",outcome="memory"} 2',
    'cache_requests_total{cache="product",outcome="load"} 1e1',
    'process_cpu_seconds_total 0.5 1700000000000',
  ].join('\n');

  it('are summed over the labels that are not asked for', () => {
    const samples = parseMetrics(page);
    expect(sumOf(samples, 'cache_requests_total')).toBe(19);
    expect(sumOf(samples, 'cache_requests_total', { outcome: 'memory' })).toBe(9);
    expect(sumOf(samples, 'process_cpu_seconds_total')).toBe(0.5);
  });
});

describe('the options of the demo', () => {
  it('name what is wrong', () => {
    expect(() => readDemoOptions(['--seconds', 'soon'])).toThrow(/--seconds/);
    expect(() => readDemoOptions(['--fast'])).toThrow(/--fast/);
  });

  it('have defaults', () => {
    expect(readDemoOptions([])).toMatchObject({ once: false, caches: false, scale: 1, 'no-install': false });
  });
});
