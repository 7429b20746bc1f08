import { describe, expect, it } from 'vitest';
import { randomFrom } from '../random.ts';
import { compareRuns } from './compare.ts';
import { comparisonText } from './compare.text.ts';
import type { RunResult } from './run-result.ts';

const random = randomFrom(11);
/** Up to a fifth more or less, as latencies on a shared machine are. */
const shaky = (value: number) => value * (0.9 + random() * 0.2);
const names = ['GET /v1/products', 'GET /v1/cart', 'POST /v1/orders', 'GET /v1/session'];

function run(addedMs: Readonly<Record<string, number>> = {}, changes: Partial<RunResult> = {}): RunResult {
  const endpoints = names.map((endpoint) => {
    const added = addedMs[endpoint] ?? 0;
    return { endpoint, requests: 500, errors: 0, p50: shaky(6) + added, p95: shaky(15) + added, p99: shaky(30) + added, max: 50 };
  });
  return {
    version: 1,
    at: '2026-11-24T00:00:00.000Z',
    test: 'load',
    commit: 'abc1234',
    machine: { cores: 2, cpu: 'test', memoryMebibytes: 1, platform: 'linux x64', node: 'v24', k6: 'k6 v1' },
    settings: { rate: 100, seconds: 10, users: 50, customers: 10, scale: 1 },
    rate: 100,
    overall: { endpoint: 'all', requests: 2000, errors: 0, p50: shaky(6), p95: shaky(15), p99: 30, max: 50 },
    endpoints,
    phases: [],
    dropped: 0,
    errors: [],
    generator: { cores: 0.1, cpuMsPerRequest: 0.4, latenessP95Ms: 1 },
    systemCpuMsPerRequest: 2,
    processes: [],
    jobsDone: 0,
    lag: { messages: 0, outboxSeconds: 0, drainedSeconds: 1 },
    verdicts: [],
    met: true,
    ...changes,
  };
}

const runs = (count: number, ...parameters: Parameters<typeof run>) => Array.from({ length: count }, () => run(...parameters));
const changed = (before: RunResult[], after: RunResult[]) =>
  compareRuns(before, after).figures.filter(({ change }) => change !== 'same').map(({ figure, change }) => `${change}: ${figure}`);

describe('compareRuns', () => {
  it('tells a route that has become 5 ms slower from all others, by five pairs', () => {
    const slower = changed(runs(5), runs(5, { 'GET /v1/cart': 5 }));
    expect(slower).toContain('slower: p50 of GET /v1/cart');
    expect(slower.every((figure) => figure.endsWith('GET /v1/cart'))).toBe(true);
  });

  it('sees nothing in noise', () => {
    expect(changed(runs(5), runs(5))).toEqual([]);
  });

  it('tells what has become faster', () => {
    expect(changed(runs(6, { 'POST /v1/orders': 20 }), runs(6))).toContain('faster: p50 of POST /v1/orders');
  });

  it('has no word for a change that is real but tiny', () => {
    const still = (p50: number) => Array.from({ length: 5 }, () => run({}, { endpoints: [{ endpoint: 'GET /v1/cart', requests: 500, errors: 0, p50, p95: 9, p99: 9, max: 9 }] }));
    expect(changed(still(5), still(5.2))).toEqual([]);
  });

  it('leaves out endpoints that were hardly asked', () => {
    const rare = { endpoints: [{ endpoint: 'GET /v1/cart', requests: 49, errors: 0, p50: 1, p95: 1, p99: 1, max: 1 }] };
    expect(compareRuns(runs(5, {}, rare), runs(5, {}, rare)).figures.map(({ figure }) => figure)).toEqual(['p50 of all', 'p95 of all']);
  });

  it('refuses to judge by fewer pairs', () => {
    expect(() => compareRuns(runs(4), runs(5))).toThrow(/5 pairs of runs or more; there are 4 and 5/);
  });

  it('refuses to compare what is not alike', () => {
    const other = { settings: { rate: 200, seconds: 10, users: 50, customers: 10, scale: 1 } };
    expect(() => compareRuns(runs(5), runs(5, {}, other))).toThrow(/same test, settings and machine/);
  });

  it('says its verdict in words', () => {
    expect(comparisonText(compareRuns(runs(5), runs(5, { 'GET /v1/cart': 50 })), 'main', 'mine')).toMatch(/SLOWER: p50 of GET \/v1\/cart/);
    expect(comparisonText(compareRuns(runs(5), runs(5)), 'main', 'mine')).toContain('Nothing became slower, and nothing faster.');
  });
});
