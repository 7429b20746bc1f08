import { describe, expect, it } from 'vitest';
import { randomFrom } from '../random.ts';
import { chancesOfNoise, deviation, median, slopeOf } from './statistics.ts';

/** Noise, by Box and Muller. */
function normalFrom(seed: number): () => number {
  const random = randomFrom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const rowsOf = (count: number, pairs: number, next: () => number) => Array.from({ length: count }, () => Array.from({ length: pairs }, next));

describe('median and deviation', () => {
  it('are those of the textbook', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(2.138, 3);
    expect(deviation([7])).toBe(0);
  });
});

describe('chancesOfNoise', () => {
  it('gives five pairs that all rise the smallest chance there is, one flip of 32', () => {
    const noise = normalFrom(1);
    const rows = [[0.5, 0.52, 0.48, 0.5, 0.51], ...rowsOf(20, 5, () => noise() / 20)];
    const [risen, ...others] = chancesOfNoise(rows);
    expect(risen).toBe(1 / 32);
    expect(Math.min(...others)).toBeGreaterThan(0.05);
  });

  it('sees no rise in a fall', () => {
    expect(chancesOfNoise([[-0.5, -0.5, -0.5, -0.5, -0.6], [0.1, -0.1, 0.1, -0.1, 0.1]])[0]).toBe(1);
  });

  it('takes noise for a rise in about one of twenty comparisons, however many rows there are', () => {
    const noise = normalFrom(2);
    const alarms = Array.from({ length: 400 }, () => chancesOfNoise(rowsOf(15, 5, noise)).some((chance) => chance <= 0.05));
    const share = alarms.filter(Boolean).length / alarms.length;
    // At most 1/32 by construction; a test of each row by itself would raise an alarm in 15/32 of them.
    expect(share).toBeLessThan(0.06);
  });

  it('finds a rise of three times the noise in most comparisons', () => {
    const noise = normalFrom(3);
    const found = Array.from({ length: 100 }, () => {
      const rows = rowsOf(15, 5, noise);
      return (chancesOfNoise([(rows[0] ?? []).map((value) => value + 3), ...rows.slice(1)])[0] ?? 1) <= 0.05;
    });
    expect(found.filter(Boolean).length).toBeGreaterThan(60);
  });

  it('refuses to try more flips than can be tried', () => {
    expect(() => chancesOfNoise([Array.from({ length: 17 }, () => 1)])).toThrow(RangeError);
    expect(() => chancesOfNoise([])).toThrow(RangeError);
  });
});

describe('slopeOf', () => {
  const line = (count: number, y: (x: number) => number) => Array.from({ length: count }, (_, x) => ({ x, y: y(x) }));

  it('finds the slope of a line', () => {
    expect(slopeOf(line(20, (x) => 3 + 2 * x))).toEqual({ slope: 2, low: 2, high: 2 });
  });

  it('is not moved by one reading that is far off', () => {
    const { slope, low, high } = slopeOf(line(20, (x) => (x === 10 ? 1000 : 2 * x)));
    expect([slope, low, high].map(Math.round)).toEqual([2, 2, 2]);
  });

  it('holds 0 in its interval for noise alone in about 95 of 100', () => {
    const noise = normalFrom(4);
    const slopes = Array.from({ length: 400 }, () => slopeOf(line(20, noise)));
    const holding = slopes.filter(({ low, high }) => low <= 0 && high >= 0).length / slopes.length;
    expect(holding).toBeGreaterThan(0.92);
    expect(holding).toBeLessThan(0.99);
  });

  it('tells a leak of half the noise per reading', () => {
    const noise = normalFrom(5);
    expect(slopeOf(line(20, (x) => x / 2 + noise())).low).toBeGreaterThan(0.3);
  });

  it('says nothing about fewer than four readings', () => {
    expect(slopeOf(line(3, (x) => x))).toEqual({ slope: 1, low: -Infinity, high: Infinity });
  });
});
