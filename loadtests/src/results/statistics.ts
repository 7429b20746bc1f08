export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? (sorted[Math.floor(middle)] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation; 0 for a single value. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/**
 * For each row of differences between paired runs, the chance that noise alone makes any of all rows look as much above
 * zero as this one: small is a real rise, whatever the number of rows.
 *
 * Noise has no side, so the sign of each pair may be flipped, for all rows at once since they come from the same runs.
 * All 2^pairs flips are tried, and a row is held against the largest of all rows in each (max-T: Westfall and Young,
 * "Resampling-Based Multiple Testing", 1993; sign flips: Winkler et al., NeuroImage 92, 2014). A row's statistic is its
 * mean over its standard error plus the median one of all rows, without which a row that varies little by luck would win
 * (Tusher, Tibshirani and Chu, PNAS 98:9, 2001). Five pairs give at best 1/32.
 *
 * @param rows differences, one per pair, the pairs in the same order in each row; at most 16 pairs
 */
export function chancesOfNoise(rows: readonly (readonly number[])[]): number[] {
  const pairs = rows[0]?.length ?? 0;
  if (pairs === 0 || pairs > 16) throw new RangeError(`1 to 16 pairs, not ${pairs}`);
  const errorOf = (row: readonly number[]) => deviation(row) / Math.sqrt(pairs);
  const usualError = median(rows.map(errorOf));
  const statistic = (row: readonly number[]) => mean(row) / (errorOf(row) + usualError || Number.EPSILON);
  const seen = rows.map(statistic);
  const asLarge = rows.map(() => 0);
  const flips = 2 ** pairs;
  for (let flip = 0; flip < flips; flip++) {
    const largest = Math.max(...rows.map((row) => statistic(row.map((value, pair) => ((flip >> pair) & 1 ? -value : value)))));
    for (const [index, value] of seen.entries()) if (largest >= value - 1e-12) asLarge[index] = (asLarge[index] ?? 0) + 1;
  }
  return asLarge.map((count) => count / flips);
}

export interface Slope {
  slope: number;
  /** The interval that holds the slope, by 95 %. */
  low: number;
  high: number;
}

/** Two-sided 95 % of the normal distribution. */
const NORMAL_95 = 1.96;

/**
 * The slope of points by Theil and Sen: the median of the slopes between all pairs of points, which single outliers, such
 * as a job that ran at the moment of one reading, do not move. Its interval is Sen's, from the variance of Kendall's tau
 * (Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63, 1968).
 *
 * @returns the interval is infinite with fewer than four points
 */
export function slopeOf(points: readonly { x: number; y: number }[]): Slope {
  const slopes = points
    .flatMap((a, index) => points.slice(index + 1).map((b) => (b.y - a.y) / (b.x - a.x)))
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  const count = points.length;
  if (slopes.length === 0) return { slope: NaN, low: -Infinity, high: Infinity };
  const half = NORMAL_95 * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const lower = Math.round((slopes.length - half) / 2);
  const upper = Math.round((slopes.length + half) / 2);
  return { slope: median(slopes), low: count < 4 || lower < 1 ? -Infinity : (slopes[lower - 1] ?? -Infinity), high: count < 4 ? Infinity : (slopes[upper] ?? Infinity) };
}
