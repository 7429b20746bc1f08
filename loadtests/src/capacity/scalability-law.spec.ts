import { expect, test } from 'vitest';
import { fitScalabilityLaw, rateBy } from './scalability-law.ts';

const measured = (law: { lambda: number; sigma: number; kappa: number }, noise: readonly number[] = []) =>
  [1, 2, 5, 10, 20, 50, 100, 200].map((concurrency, index) => ({ concurrency, rate: rateBy(law, concurrency) * (noise[index] ?? 1) }));

test('finds the law that points were made by, its error and its peak', () => {
  const law = fitScalabilityLaw(measured({ lambda: 100, sigma: 0.05, kappa: 0.0002 }));
  expect(law.lambda).toBeCloseTo(100, 6);
  expect(law.sigma).toBeCloseTo(0.05, 9);
  expect(law.kappa).toBeCloseTo(0.0002, 9);
  expect(law.error).toBeCloseTo(0, 9);
  expect(law.peak.concurrency).toBeCloseTo(Math.sqrt(0.95 / 0.0002), 3);
});

test('gives a larger error to noisy points, and one that is larger still to points left out', () => {
  const { error, leftOutError } = fitScalabilityLaw(measured({ lambda: 100, sigma: 0.05, kappa: 0.0002 }, [1, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9, 1]));
  expect(error).toBeGreaterThan(0.02);
  expect(leftOutError).toBeGreaterThan(error);
});

test('has no parameter below 0: what only queues has no peak but a limit', () => {
  const { kappa, peak } = fitScalabilityLaw(measured({ lambda: 100, sigma: 0.1, kappa: 0 }, [1, 1, 1, 1, 1, 1, 1.001, 1.002]));
  expect(kappa).toBe(0);
  expect(peak.concurrency).toBe(Infinity);
  expect(peak.rate).toBeCloseTo(1000, -1);
});

test('refuses three points', () => {
  expect(() => fitScalabilityLaw(measured({ lambda: 1, sigma: 0, kappa: 0 }).slice(0, 3))).toThrow('four measured points');
});
