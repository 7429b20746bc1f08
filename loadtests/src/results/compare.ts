import { LoadtestError } from '../loadtest/loadtest.error.ts';
import type { RunResult } from './run-result.ts';
import { chancesOfNoise, mean } from './statistics.ts';

/** Fewer pairs could not tell even the clearest change from noise at this chance: 1/2^5 is just below. */
const FEWEST_PAIRS = 5;
const MOST_PAIRS = 12;
export const NOISE_CHANCE = 0.05;

/** A change that is real but smaller than this is not worth a word. */
const SMALLEST_RATIO = 1.05;
const SMALLEST_MS = 0.5;

/** Latencies of fewer requests are more luck than figure. */
const FEWEST_REQUESTS = 50;

export type Change = 'slower' | 'faster' | 'same';

export interface ComparedFigure {
  /** E.g. `p50 of GET /v1/cart`. */
  figure: string;
  /** Geometric means. */
  before: number;
  after: number;
  /** `after` over `before`: of all pairs, and the smallest and the largest one of a pair. */
  ratio: number;
  lowest: number;
  highest: number;
  /** The chance that noise alone makes any of the figures change so much, in the direction in which this one did. */
  noise: number;
  change: Change;
}

export interface Comparison {
  pairs: number;
  figures: ComparedFigure[];
}

/**
 * What changed from the runs of one label to those of another. The first run of one and the first of the other are a
 * pair, and so on: taken in turn, what the machine does in between meets both alike.
 *
 * @throws LoadtestError `no-result` when there are too few runs, or they are not of the same kind
 */
export function compareRuns(before: readonly RunResult[], after: readonly RunResult[]): Comparison {
  const pairs = Math.min(before.length, after.length, MOST_PAIRS);
  if (pairs < FEWEST_PAIRS) {
    throw new LoadtestError('no-result', `Noise can be told from a change by ${FEWEST_PAIRS} pairs of runs or more; there are ${before.length} and ${after.length} runs that count.`);
  }
  const [a, b] = [before.slice(-pairs), after.slice(-pairs)];
  const kinds = new Set([...a, ...b].map(({ test, settings, machine }) => JSON.stringify([test, settings, machine.cpu, machine.cores])));
  if (kinds.size > 1) throw new LoadtestError('no-result', `Only runs of the same test, settings and machine can be compared; these are of ${kinds.size} kinds:\n${[...kinds].join('\n')}`);

  const names = figuresOf(a[0] as RunResult).map(({ figure }) => figure);
  const series = names.flatMap((figure) => {
    const valuesOf = (runs: readonly RunResult[]) => runs.flatMap((run) => figuresOf(run).find((one) => one.figure === figure)?.value ?? []);
    const [earlier, later] = [valuesOf(a), valuesOf(b)];
    return earlier.length === pairs && later.length === pairs ? [{ figure, earlier, later }] : [];
  });
  const logs = series.map(({ earlier, later }) => later.map((value, pair) => Math.log(value / (earlier[pair] ?? NaN))));
  const rises = chancesOfNoise(logs);
  const falls = chancesOfNoise(logs.map((row) => row.map((value) => -value)));
  return {
    pairs,
    figures: series.map(({ figure, earlier, later }, index) => {
      const row = logs[index] ?? [];
      const ratio = Math.exp(mean(row));
      const noise = (ratio >= 1 ? rises[index] : falls[index]) ?? 1;
      const [from, to] = [geometricMean(earlier), geometricMean(later)];
      return { figure, before: from, after: to, ratio, lowest: Math.exp(Math.min(...row)), highest: Math.exp(Math.max(...row)), noise, change: changeOf(ratio, to - from, noise) };
    }),
  };
}

function changeOf(ratio: number, difference: number, noise: number): Change {
  const isSmall = Math.max(ratio, 1 / ratio) < SMALLEST_RATIO || Math.abs(difference) < SMALLEST_MS;
  if (noise > NOISE_CHANCE || isSmall) return 'same';
  return ratio > 1 ? 'slower' : 'faster';
}

/** What is compared: the middle and the tail of each endpoint's latencies. */
function figuresOf({ overall, endpoints }: RunResult): { figure: string; value: number }[] {
  return [overall, ...endpoints]
    .filter(({ requests }) => requests >= FEWEST_REQUESTS)
    .flatMap(({ endpoint, p50, p95 }) => [
      { figure: `p50 of ${endpoint}`, value: p50 },
      { figure: `p95 of ${endpoint}`, value: p95 },
    ]);
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}
