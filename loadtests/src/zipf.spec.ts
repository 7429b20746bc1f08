import { describe, expect, it } from 'vitest';
import { randomFrom } from './random.ts';
import { scatter, zipfRanks } from './zipf.ts';

describe('zipfRanks', () => {
  const draws = 200_000;

  function counts(size: number, exponent: number): number[] {
    const rank = zipfRanks(size, exponent);
    const random = randomFrom(1);
    const counted = Array.from({ length: size + 1 }, () => 0);
    for (let draw = 0; draw < draws; draw++) {
      const drawn = rank(random);
      counted[drawn] = (counted[drawn] ?? 0) + 1;
    }
    return counted;
  }

  it.each([
    [100, 1],
    [100, 0.7],
    [1000, 1.3],
  ])('draws ranks of %i with the chances of exponent %f', (size, exponent) => {
    const counted = counts(size, exponent);
    const weights = Array.from({ length: size }, (_, index) => (index + 1) ** -exponent);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    for (const rank of [1, 2, 3, 10, 50, 100]) {
      const expected = (draws * (weights[rank - 1] ?? 0)) / sum;
      // Five standard deviations of a binomial count: a true sampler is outside once in two million looks.
      expect(Math.abs((counted[rank] ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  it('stays within its ranks', () => {
    const rank = zipfRanks(3, 1);
    const random = randomFrom(2);
    const drawn = new Set(Array.from({ length: 1000 }, () => rank(random)));
    expect([...drawn].sort()).toEqual([1, 2, 3]);
  });

  it('refuses a size of zero', () => {
    expect(() => zipfRanks(0, 1)).toThrow(RangeError);
  });
});

describe('scatter', () => {
  it.each([200, 2_000, 100_000])('is a permutation of 1 to %i', (size) => {
    const ids = new Set(Array.from({ length: size }, (_, index) => scatter(index + 1, size)));
    expect(ids.size).toBe(size);
    expect(Math.min(...ids)).toBe(1);
    expect(Math.max(...ids)).toBe(size);
  });
});
