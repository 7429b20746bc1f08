import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { EndpointResult, ErrorExample, LoadSecond } from './load-result.ts';

const LONGEST_MICROSECONDS = 10 * 60 * 1_000_000;
const KEPT_EXAMPLES = 20;
const refusals = new Set([429, 503]);

interface EndpointFigures {
  latencies: RecordableHistogram;
  errors: number;
}

/** Counts and latencies of a run: one HdrHistogram (Node's own) per endpoint, exact to three digits. */
export class Measurements {
  readonly #endpoints = new Map<string, EndpointFigures>();
  readonly #examples = new Map<string, ErrorExample>();
  readonly #overall = newHistogram();
  readonly #second = newHistogram();
  #secondErrors = 0;
  #secondRefused = 0;
  #errors = 0;
  #refused = 0;

  get answered(): number {
    return this.#overall.count;
  }

  get errors(): number {
    return this.#errors;
  }

  /** Of the errors, those by which the shop protects itself: 429 and 503. */
  get refused(): number {
    return this.#refused;
  }

  /** An answer, right or wrong, `milliseconds` after the intended start. */
  record(endpoint: string, milliseconds: number, isError: boolean): void {
    const microseconds = Math.min(LONGEST_MICROSECONDS, Math.max(1, Math.round(milliseconds * 1000)));
    const figures = this.#figuresOf(endpoint);
    figures.latencies.record(microseconds);
    this.#overall.record(microseconds);
    this.#second.record(microseconds);
    if (!isError) return;
    figures.errors++;
    this.#errors++;
    this.#secondErrors++;
  }

  /** Keeps the first of each kind of error as an example. */
  explain(endpoint: string, status: number, detail: string): void {
    if (refusals.has(status)) {
      this.#refused++;
      this.#secondRefused++;
    }
    const kind = `${endpoint} ${status}`;
    const example = this.#examples.get(kind);
    if (example) example.count++;
    else if (this.#examples.size < KEPT_EXAMPLES) this.#examples.set(kind, { endpoint, status, detail, count: 1 });
  }

  /** Figures since the last call. */
  takeSecond(): Pick<LoadSecond, 'answered' | 'errors' | 'refused' | 'p95'> {
    const second = { answered: this.#second.count, errors: this.#secondErrors, refused: this.#secondRefused, p95: millisecondsAt(this.#second, 95) };
    this.#second.reset();
    this.#secondErrors = 0;
    this.#secondRefused = 0;
    return second;
  }

  overall(): EndpointResult {
    return resultOf('all', { latencies: this.#overall, errors: this.#errors });
  }

  /** The busiest endpoint first. */
  endpoints(): EndpointResult[] {
    return [...this.#endpoints]
      .map(([endpoint, figures]) => resultOf(endpoint, figures))
      .sort((a, b) => b.requests - a.requests);
  }

  examples(): ErrorExample[] {
    return [...this.#examples.values()];
  }

  #figuresOf(endpoint: string): EndpointFigures {
    let figures = this.#endpoints.get(endpoint);
    if (!figures) this.#endpoints.set(endpoint, (figures = { latencies: newHistogram(), errors: 0 }));
    return figures;
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: LONGEST_MICROSECONDS, figures: 3 });
}

function resultOf(endpoint: string, { latencies, errors }: EndpointFigures): EndpointResult {
  return {
    endpoint,
    requests: latencies.count,
    errors,
    p50: millisecondsAt(latencies, 50),
    p95: millisecondsAt(latencies, 95),
    p99: millisecondsAt(latencies, 99),
    max: latencies.count === 0 ? 0 : latencies.max / 1000,
  };
}

function millisecondsAt(histogram: RecordableHistogram, percentile: number): number {
  return histogram.count === 0 ? 0 : histogram.percentile(percentile) / 1000;
}
