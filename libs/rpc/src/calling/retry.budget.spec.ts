import { expect, test } from 'vitest';
import { RetryBudget } from './retry.budget.ts';

/** How many retries are allowed when each of so many calls a second wants one, for so many seconds. */
function retriesOf(callsPerSecond: number, seconds: number): number {
  let now = 0;
  const budget = new RetryBudget(() => now);
  let retries = 0;
  for (let call = 0; call < callsPerSecond * seconds; call += 1) {
    now = call / callsPerSecond;
    budget.countCall();
    if (budget.take()) retries += 1;
  }
  return retries;
}

test.each([
  [1000, 60],
  [50, 60],
  [100, 5],
])('of %i calls a second for %i s, a fifth and ten a second are sent again', (callsPerSecond, seconds) => {
  const allowed = 0.2 * callsPerSecond * seconds + 10 * seconds;
  const wanted = callsPerSecond * seconds;

  expect(retriesOf(callsPerSecond, seconds)).toBeLessThanOrEqual(Math.min(wanted, allowed + 10));
  expect(retriesOf(callsPerSecond, seconds)).toBeGreaterThan(0.9 * Math.min(wanted, allowed));
});

test('a service that is hardly called may be asked again each time', () => {
  expect(retriesOf(5, 20)).toBe(100);
});
