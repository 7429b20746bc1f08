import { expect, test } from 'vitest';
import { usageBetween } from './observation.ts';
import type { Observation } from './observation.ts';

const observation = (at: number, loops: Record<string, number>): Observation => ({
  at,
  machine: undefined,
  cpu: new Map(),
  counters: { cacheRequests: 0, cacheHits: 0, caches: {}, reads: 0, replicaReads: 0, jobsDone: 0, jobsRetried: 0, jobsDead: 0, mails: 0 },
  loops: new Map(Object.entries(loops)),
  lag: { messages: 0, outboxSeconds: 0 },
});

test('the busiest event loop is that of the phase, not of the whole life of a replica', () => {
  const usage = usageBetween(observation(0, { 'gateway-1': 100, 'catalog-1': 5 }), observation(10_000, { 'gateway-1': 101, 'catalog-1': 14 }));
  expect(usage.busiestLoop).toEqual({ name: 'catalog-1', share: 0.9 });
});

test('without a replica that tells there is no busiest event loop', () => {
  expect(usageBetween(observation(0, {}), observation(1000, {})).busiestLoop).toBeUndefined();
});
