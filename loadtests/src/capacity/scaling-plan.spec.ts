import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readResults, resultsFolder } from '../results/result.files.ts';
import { scalingPlan } from './capacity.ts';
import { measuredCosts } from './measured-costs.ts';
import { demandAt, limitsOf } from './scaling-plan.ts';
import type { Shipped } from './scaling-plan.ts';

const results = readResults([resultsFolder]);
const [template] = results;
const shipped: Shipped = {
  services: [
    { name: 'catalog', nodes: 3, maxReplicas: 4, partitions: undefined },
    { name: 'worker', nodes: 1, maxReplicas: 10, partitions: 4 },
  ],
  targetCores: 0.5,
  connectionsPerNode: 10,
  pgbouncerClients: 1000,
  serverCores: 8,
};

/** A run at 100 requests a second whose two catalogs use 0.1 core each, the worker 0.05 and HAProxy 0.01. */
function costs() {
  if (!template) throw new Error('no results');
  const processes = [['catalog-1', 0.1, 100], ['catalog-2', 0.1, 120], ['worker-1', 0.05, 90], ['haproxy', 0.01, 10], ['k6', 1, 0]] as const;
  const run = { ...template, test: 'load', rate: 100, dropped: 0, settings: { ...template.settings, scale: 1 }, overall: { ...template.overall, requests: 1000, errors: 0 }, jobsDone: 250 };
  return measuredCosts([{ ...run, void: undefined, processes: processes.map(([name, cores, mebibytes]) => ({ name, cores, mebibytes })) }]);
}

test('docs/scaling-plan.md is what the results, the manifests and the configuration say', () => {
  expect(scalingPlan(), 'npm run capacity writes it').toBe(readFileSync(new URL('../../../docs/scaling-plan.md', import.meta.url), 'utf8'));
});

test('costs are those of all replicas of a kind, for a request, and leave the generator out', () => {
  const { cpuSeconds, mebibytes, jobsPerRequest } = costs();
  expect([...cpuSeconds.keys()]).toEqual(['catalog', 'worker', 'haproxy']);
  expect(cpuSeconds.get('catalog')).toBeCloseTo(0.002, 12);
  expect(mebibytes.get('catalog')).toBe(120);
  expect(jobsPerRequest).toBe(0.25);
});

test('ten times as much needs replicas by their target, two at least, and the connections of all of them', () => {
  const { replicas, pgbouncerClients, jobsPerSecond } = demandAt(costs(), shipped, 100, 10);
  expect(Object.fromEntries(replicas)).toEqual({ catalog: 4, worker: 2 });
  expect(pgbouncerClients).toBe(4 * 3 * 10 + 2 * 10);
  expect(jobsPerSecond).toBe(250);
});

test('the limit that is reached first comes first', () => {
  const limits = limitsOf(costs(), shipped).map(({ name, rate }) => [name, Math.round(rate)]);
  expect(limits.slice(0, 2)).toEqual([
    ['catalog', 1000],
    ['worker', 4000],
  ]);
  expect(limits.find(([name]) => name === 'haproxy')).toEqual(['haproxy', 8000]);
});

test('a run with an error, a dropped request or a tenth of the data is no measure', () => {
  const usable = results.filter(({ void: reason, settings, test, overall, dropped }) => reason === undefined && settings.scale >= 1 && test === 'load' && overall.errors === 0 && dropped === 0);
  expect(() => measuredCosts(results.filter((result) => !usable.includes(result)))).toThrow('no load test');
});
