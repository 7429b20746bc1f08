import { describe, expect, it } from 'vitest';
import { phaseResults, resultOf } from './k6.summary.ts';

const values = (count: number, milliseconds: number) => ({ values: { count, med: milliseconds, 'p(95)': milliseconds, 'p(99)': milliseconds, max: milliseconds } });
const summary = {
  'response_time{phase:run}': values(100, 5),
  'since_due{phase:run}': values(100, 8),
  'wrong_answers{phase:run}': { values: { count: 3 } },
  'response_time{phase:run,name:GET /v1/cart}': values(10, 4),
  'since_due{phase:run,name:GET /v1/cart}': values(10, 7),
};

describe("k6's summary", () => {
  it('counts latencies from when requests were due', () => {
    expect(resultOf(summary, 'run')).toEqual({ endpoint: 'all', requests: 100, errors: 3, p50: 8, p95: 8, p99: 8, max: 8 });
    expect(resultOf(summary, 'run', 'GET /v1/cart')).toMatchObject({ endpoint: 'GET /v1/cart', requests: 10, errors: 0, p95: 7 });
  });

  it('counts them from their start once some were dropped, since it is unknown then which were due when', () => {
    expect(resultOf({ ...summary, dropped_iterations: { values: { count: 1 } } }, 'run').p95).toBe(5);
  });

  it('knows of no request where there was none', () => {
    expect(resultOf(summary, 'run', 'GET /v1/session')).toMatchObject({ requests: 0, errors: 0, p95: 0 });
  });

  it('takes phases of one name together', () => {
    const phase = { name: 'run', from: 10, to: 10, seconds: 4 };
    expect(phaseResults(summary, [phase, { ...phase, name: 'after', to: 30 }, phase])).toMatchObject([
      { endpoint: 'run', seconds: 8, planned: 80, requests: 100 },
      { endpoint: 'after', seconds: 4, planned: 80, requests: 0 },
    ]);
  });
});
