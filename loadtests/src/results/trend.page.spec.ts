import { describe, expect, it } from 'vitest';
import type { RunResult } from './run-result.ts';
import { runText } from './run.text.ts';
import { runResult } from './run-result.ts';
import { trendPage } from './trend.page.ts';

const figures = { requests: 1000, errors: 0, p50: 5, p95: 20, p99: 40, max: 90 };
const run: RunResult = {
  version: 1,
  at: '2026-11-24T10:00:00.000Z',
  test: 'load',
  label: 'before',
  commit: 'abc1234',
  machine: { cores: 2, cpu: 'Some <CPU>', memoryMebibytes: 1, platform: 'linux x64', node: 'v24', k6: 'k6 v1' },
  settings: { rate: 100, seconds: 10, users: 50, customers: 10, scale: 1 },
  rate: 100,
  overall: { endpoint: 'all', ...figures },
  endpoints: [{ endpoint: 'GET /v1/cart', ...figures, p95: 250 }],
  phases: [],
  dropped: 0,
  errors: [],
  generator: { cores: 0.1, cpuMsPerRequest: 0.4, latenessP95Ms: 1 },
  systemCpuMsPerRequest: 2,
  processes: [{ name: 'gateway-1', cores: 0.2, mebibytes: 70 }],
  jobsDone: 12,
  lag: { messages: 0, outboxSeconds: 0, drainedSeconds: 1 },
  verdicts: [
    { target: 'p95 of GET /v1/cart', reached: 250, limit: 200, rule: 'below', unit: 'ms', met: false },
    { target: 'cache hit rate', reached: null, limit: 0.8, rule: 'above', unit: 'share', met: false },
  ],
  met: false,
};

describe('the page of trends', () => {
  it('draws a point for each run that counts, in red where a target was missed', () => {
    const page = trendPage([run, { ...run, met: true }, { ...run, void: 'late' }]);
    expect(page.match(/<circle class="missed"/g)).toHaveLength(5);
    expect(page.match(/<circle class=""/g)).toHaveLength(5);
    expect(page).toContain('2 runs that count');
  });

  it('tells runs of another rate apart', () => {
    expect(trendPage([run, { ...run, settings: { ...run.settings, rate: 200 } }]).match(/<h2>/g)).toHaveLength(2);
  });

  it('takes no text for markup', () => {
    expect(trendPage([run])).not.toContain('<CPU>');
  });
});

describe('a run', () => {
  it('is one line of JSON that can be read again', () => {
    expect(runResult.parse(JSON.parse(JSON.stringify(run)))).toEqual(run);
  });

  it('shows which endpoint misses its target, and what was never measured', () => {
    const text = runText(run);
    expect(text).toMatch(/GET \/v1\/cart .* NOT MET/);
    expect(text).toMatch(/cache hit rate +nothing counted/);
    expect(text).toContain('2 of 2 targets are NOT MET.');
  });

  it('that says nothing, says so', () => {
    expect(runText({ ...run, void: 'the generator came late' })).toContain('VOID: the generator came late.');
  });
});
