import { describe, expect, it } from 'vitest';
import type { Usage } from '../report/observation.ts';
import { kneeOf, recoverySeconds } from './knee.ts';
import type { Step } from './knee.ts';

const targets = { p95Ms: 200, p99Ms: 500 };
const counters = { cacheRequests: 0, cacheHits: 0, caches: {}, reads: 0, replicaReads: 0, jobsDone: 0, jobsRetried: 0, jobsDead: 0, mails: 0 };
const usage: Usage = { seconds: 10, machine: 1.2, cores: [{ name: 'gateway-1', cores: 0.8 }, { name: 'catalog-1', cores: 0.3 }], counters, busiestLoop: { name: 'gateway-1', share: 0.5 } };

function step(rate: number, changes: Partial<Step['result']> = {}, used: Partial<Usage> = {}): Step {
  const result = { endpoint: `${rate}/s`, requests: rate * 10, planned: rate * 10, errors: 0, seconds: 10, p50: 5, p95: 20, p99: 40, max: 60, ...changes };
  return { result, usage: { ...usage, ...used } };
}

describe('the knee', () => {
  it('is the last step before one that misses a target', () => {
    expect(kneeOf([step(100), step(200), step(300, { p95: 250 }), step(400)], targets, 2)).toMatchObject({ knee: '200/s' });
    expect(kneeOf([step(100), step(200, { requests: 1900 })], targets, 2)).toMatchObject({ knee: '100/s' });
  });

  it('is unknown when the first step already misses', () => {
    expect(kneeOf([step(100, { p99: 600 })], targets, 2).knee).toBeUndefined();
  });

  it('is the last step when all hold, and nothing ran out', () => {
    expect(kneeOf([step(100), step(200)], targets, 2)).toEqual({ knee: '200/s', breakingPoint: undefined, resource: 'nothing: every step was held' });
  });

  it('is not judged by steps that the run never came to', () => {
    expect(kneeOf([step(100), step(200, { requests: 0 })], targets, 2)).toMatchObject({ knee: '100/s', breakingPoint: undefined });
  });

  it('comes before the step that loses a tenth, by errors or by requests that never started', () => {
    expect(kneeOf([step(100), step(200, { errors: 60 }), step(300, { errors: 301 })], targets, 2)).toMatchObject({ knee: '100/s', breakingPoint: '300/s' });
    expect(kneeOf([step(100), step(200, { requests: 1799 })], targets, 2).breakingPoint).toBe('200/s');
  });

  it.each([
    ['CPU', { machine: 1.95 }, 'CPU: 1.95 of 2 cores, most of it gateway-1 0.80 and catalog-1 0.30'],
    ['an event loop', { busiestLoop: { name: 'gateway-1', share: 0.97 } }, 'the event loop of gateway-1, 97 % busy'],
    ['neither', {}, 'neither CPU nor an event loop: look at the pools of the databases and at what is waited for'],
  ])('says what was full at the step after it: %s', (_, used, resource) => {
    expect(kneeOf([step(100), step(200, { p95: 900 }, used)], targets, 2).resource).toBe(resource);
  });
});

describe('the recovery from a spike', () => {
  const second = (changes: Partial<Step['result']> = {}) => ({ ...step(100, changes).result, planned: 100, requests: 100, seconds: 1, ...changes });

  it('lasts until the last second with trouble', () => {
    expect(recoverySeconds([second({ p95: 300 }), second(), second({ errors: 1 }), second(), second()], targets)).toBe(3);
    expect(recoverySeconds([second({ requests: 90 }), second()], targets)).toBe(1);
    expect(recoverySeconds([second(), second({ requests: 97 })], targets)).toBe(0);
  });

  it('was not seen when the last second still has trouble', () => {
    expect(recoverySeconds([second(), second({ p95: 300 })], targets)).toBeUndefined();
  });
});
