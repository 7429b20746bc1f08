/** Requests in flight and requests answered per second, at one moment of a measurement. */
export interface LoadPoint {
  concurrency: number;
  rate: number;
}

/**
 * The universal scalability law, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)): Gunther, "Guerrilla Capacity Planning", 2007,
 * chapter 4. What all wait for in turn is σ, what each has to agree on with each other is κ.
 */
export interface ScalabilityLaw {
  /** Requests per second of one request at a time. */
  lambda: number;
  sigma: number;
  kappa: number;
  /** Relative difference between measured and fitted rates, root mean square. */
  error: number;
  /** The same, each point against the law fitted to all others: how far it may be believed. */
  leftOutError: number;
  /** The largest rate by the law, or its limit for many in flight; and the number in flight that has it, infinite without κ. */
  peak: LoadPoint;
}

type Parameters = Pick<ScalabilityLaw, 'lambda' | 'sigma' | 'kappa'>;

export function rateBy({ lambda, sigma, kappa }: Parameters, concurrency: number): number {
  return (lambda * concurrency) / (1 + sigma * (concurrency - 1) + kappa * concurrency * (concurrency - 1));
}

/**
 * Fits the law by least squares of N/X over 1, N − 1 and N(N − 1), in which it is linear, weighted so that each point
 * counts by its relative error; no parameter below 0.
 *
 * @throws RangeError with fewer than four points: three fit any three parameters
 */
export function fitScalabilityLaw(points: readonly LoadPoint[]): ScalabilityLaw {
  if (points.length < 4) throw new RangeError(`the scalability law needs four measured points or more, not ${points.length}`);
  const law = parametersOf(points);
  const leftOut = points.map((point, index) => ({ point, by: parametersOf(points.toSpliced(index, 1)) }));
  return {
    ...law,
    error: rootMeanSquare(points.map((point) => rateBy(law, point.concurrency) / point.rate - 1)),
    leftOutError: rootMeanSquare(leftOut.map(({ point, by }) => rateBy(by, point.concurrency) / point.rate - 1)),
    peak: peakOf(law),
  };
}

const rootMeanSquare = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

function peakOf(law: Parameters): LoadPoint {
  const { lambda, sigma, kappa } = law;
  if (kappa === 0) return { concurrency: Infinity, rate: sigma === 0 ? Infinity : lambda / sigma };
  const concurrency = Math.max(1, Math.sqrt((1 - sigma) / kappa));
  return { concurrency, rate: rateBy(law, concurrency) };
}

/** Of all choices of terms whose coefficients come out as 0 or more, the one that fits best. */
function parametersOf(points: readonly LoadPoint[]): Parameters {
  const terms = [() => 1, (n: number) => n - 1, (n: number) => n * (n - 1)];
  const choices = [[0, 1, 2], [0, 1], [0, 2], [0]];
  const fits = choices.flatMap((choice) => {
    const rows = points.map(({ concurrency, rate }) => choice.map((term) => ((terms[term]?.(concurrency) ?? 0) * rate) / concurrency));
    const found = solve(choice.map((_, i) => choice.map((_, j) => sumOf(rows, (row) => (row[i] ?? 0) * (row[j] ?? 0)))), choice.map((_, i) => sumOf(rows, (row) => row[i] ?? 0)));
    if (found.some((value) => !(value >= 0)) || !found[0]) return [];
    const of = (term: number) => found[choice.indexOf(term)] ?? 0;
    return [{ parameters: { lambda: 1 / of(0), sigma: of(1) / of(0), kappa: of(2) / of(0) }, misfit: sumOf(rows, (row) => (sumOf(row.map((value, i) => value * (found[i] ?? 0)), (value) => value) - 1) ** 2) }];
  });
  const [best] = fits.sort((a, b) => a.misfit - b.misfit);
  if (!best) throw new RangeError('no scalability law fits these points');
  return best.parameters;
}

const sumOf = <T>(values: readonly T[], of: (value: T) => number) => values.reduce((sum, value) => sum + of(value), 0);

/** Solves a small system of linear equations by Gauss's elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0]);
  for (let column = 0; column < rows.length; column += 1) {
    const pivot = rows.slice(column).reduce((best, row) => (Math.abs(row[column] ?? 0) > Math.abs(best[column] ?? 0) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = (row[column] ?? 0) / (pivot[column] ?? 1);
      for (let cell = column; cell < row.length; cell += 1) row[cell] = (row[cell] ?? 0) - factor * (pivot[cell] ?? 0);
    }
  }
  return rows.map((row, index) => (row.at(-1) ?? 0) / (row[index] ?? 1));
}
