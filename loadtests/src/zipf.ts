import type { Random } from './random.ts';

/**
 * Draws ranks 1 to `size` with a chance proportional to 1 / rank ^ `exponent`: how often pages, products and words are
 * asked for (Breslau et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999, found 0.64 to 1.0).
 *
 * Rejection-inversion (Hörmann and Derflinger, "Rejection-Inversion to Generate Variates from Monotone Discrete
 * Distributions", ACM TOMACS 6:3, 1996): no table, about one random number a draw, whatever the size.
 *
 * @param size how many ranks there are, at least 1
 * @param exponent above 0; 1 is the classic law, smaller is flatter
 */
export function zipfRanks(size: number, exponent: number): (random: Random) => number {
  if (!(size >= 1) || !(exponent > 0)) throw new RangeError('zipfRanks needs a size of 1 or more and an exponent above 0');
  const density = (x: number) => Math.exp(-exponent * Math.log(x));
  const integral = (x: number) => {
    const logarithm = Math.log(x);
    return expm1Ratio((1 - exponent) * logarithm) * logarithm;
  };
  const integralInverse = (y: number) => Math.exp(log1pRatio(Math.max(-1, y * (1 - exponent))) * y);

  const highest = integral(1.5) - 1;
  const lowest = integral(size + 0.5);
  const acceptedAtOnce = 2 - integralInverse(integral(2.5) - density(2));
  return (random) => {
    for (;;) {
      const y = lowest + random() * (highest - lowest);
      const x = integralInverse(y);
      const rank = Math.min(size, Math.max(1, Math.round(x)));
      if (rank - x <= acceptedAtOnce || y >= integral(rank + 0.5) - density(rank)) return rank;
    }
  };
}

/**
 * Spreads ranks over ids, so that what is popular does not stand side by side: a fixed permutation of 1 to `size`.
 * The multiplier is a prime, thus coprime to any size it does not divide.
 */
export function scatter(rank: number, size: number): number {
  return 1 + ((rank * 48_271) % size);
}

/** (e^t − 1) / t, exact near 0. */
function expm1Ratio(t: number): number {
  return Math.abs(t) > 1e-8 ? Math.expm1(t) / t : 1 + t / 2;
}

/** ln(1 + t) / t, exact near 0. */
function log1pRatio(t: number): number {
  return Math.abs(t) > 1e-8 ? Math.log1p(t) / t : 1 - t / 2;
}
