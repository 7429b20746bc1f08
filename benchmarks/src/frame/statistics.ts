/** An estimate with the interval that holds it in 95 of 100 repetitions. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export interface Spread {
  median: number;
  low: number;
  high: number;
}

const resamples = 10_000;
const confidence = 0.95;

/** @throws RangeError when there are no values */
export function median(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** What so large a share of the values does not exceed, 0 to 1. @throws RangeError when there are no values */
export function quantileOf(values: readonly number[], share: number): number {
  return quantile(values.toSorted((a, b) => a - b), share);
}

/** Median and range. @throws RangeError when there are no values */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** The median, with its bootstrap interval as {@link ratioOf} makes it. */
export function medianOf(values: readonly number[]): Estimate {
  return bootstrap(values.length, (rounds) => median(rounds.map((round) => values[round] as number)));
}

/**
 * Ratio of two sides' medians, with a percentile bootstrap interval: rounds are drawn anew with replacement, both sides'
 * values of a round together, since what disturbs a round disturbs both. The interval for a ratio of times follows
 * Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time" (ISMM 2013), section 8; percentiles as in Efron and
 * Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. The same values always give the same interval.
 *
 * @throws RangeError when the sides have no, or not as many, values
 */
export function ratioOf(values: readonly number[], to: readonly number[]): Estimate {
  if (values.length !== to.length) throw new RangeError(`${values.length} rounds of one side, ${to.length} of the other`);
  const pick = (from: readonly number[], rounds: readonly number[]) => median(rounds.map((round) => from[round] as number));
  return bootstrap(values.length, (rounds) => pick(values, rounds) / pick(to, rounds));
}

function bootstrap(count: number, statistic: (rounds: readonly number[]) => number): Estimate {
  const random = randomFrom(2026);
  const drawn = Array.from({ length: resamples }, () => statistic(Array.from({ length: count }, () => Math.floor(random() * count))));
  drawn.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  return {
    value: statistic(Array.from({ length: count }, (_, round) => round)),
    low: quantile(drawn, tail),
    high: quantile(drawn, 1 - tail),
  };
}

/** Linear interpolation between order statistics: type 7 of Hyndman and Fan (1996), the usual default. */
function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) throw new RangeError('no values');
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

/** Pseudo-random numbers from 0 to 1, the same for the same seed: Mulberry32 by Tommy Ettinger. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
