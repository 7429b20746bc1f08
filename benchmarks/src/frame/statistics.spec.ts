import { describe, expect, it } from 'vitest';
import { median, medianOf, randomFrom, ratioOf, spreadOf } from './statistics.ts';

const random = randomFrom(5);
/** Box and Muller's transform. */
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Rounds of two sides, one twice as slow as the other, on a machine whose own speed varies far more. */
function twiceAsSlow() {
  const load = Array.from({ length: 15 }, () => Math.exp(0.3 * normal()));
  const timesOf = (time: number) => load.map((factor) => time * factor * Math.exp(0.05 * normal()));
  return { slow: timesOf(10), quick: timesOf(5) };
}

describe('median and range', () => {
  it('take the value in the middle, or between the two in the middle', () => {
    expect(spreadOf([9, 1, 4])).toEqual({ median: 4, low: 1, high: 9 });
    expect(median([10, 1, 4, 2])).toBe(3);
  });

  it('leave the order of the rounds as it is', () => {
    const rounds = [3, 1, 2];
    spreadOf(rounds);
    expect(rounds).toEqual([3, 1, 2]);
  });

  it('do not exist for no values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('ratio', () => {
  it('is exact when every round shows the same one', () => {
    expect(ratioOf([2, 4, 8, 6], [1, 2, 4, 3])).toEqual({ value: 2, low: 2, high: 2 });
  });

  it('is that of the medians, not the median or the mean of ratios', () => {
    expect(ratioOf([1, 10, 100], [1, 5, 1000]).value).toBe(2);
  });

  it('has an interval that holds the true ratio in nearly all runs, and is narrower than the machine is noisy', () => {
    const estimates = Array.from({ length: 40 }, twiceAsSlow).map(({ slow, quick }) => ratioOf(slow, quick));
    const right = estimates.filter(({ low, high }) => low <= 2 && 2 <= high);
    expect(right.length).toBeGreaterThanOrEqual(34);
    expect(median(estimates.map(({ low, high }) => high / low))).toBeLessThan(1.35);
  });

  it('has an interval without 1 when one side is a little faster in every round', () => {
    const times = Array.from({ length: 15 }, (_, round) => 100 + 40 * (round % 3));
    const { value, low, high } = ratioOf(times.map((time) => time * 1.02), times);
    expect(value).toBeCloseTo(1.02);
    expect(low).toBeGreaterThan(1);
    expect(high).toBeLessThan(1.5);
  });

  it('is the same each time it is computed', () => {
    const { slow, quick } = twiceAsSlow();
    expect(ratioOf(slow, quick)).toEqual(ratioOf(slow, quick));
  });

  it('refuses sides with different numbers of rounds', () => {
    expect(() => ratioOf([1, 2], [1])).toThrow('2 rounds of one side, 1 of the other');
  });
});

describe('median with an interval', () => {
  it('lies within the range', () => {
    const { value, low, high } = medianOf([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(value).toBe(5);
    expect(low).toBeGreaterThan(1);
    expect(low).toBeLessThan(5);
    expect(high).toBeLessThan(9);
    expect(high).toBeGreaterThan(5);
  });
});
