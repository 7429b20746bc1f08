import type { Found } from '../mix/mix.ts';
import type { Phase } from './schedule.ts';

/** What a run of k6 is told, as a file: `mix.k6.ts` reads it. */
export interface K6Settings {
  origin: string;
  phases: readonly Phase[];
  /** Users of k6, each of which has one request under way at most. More requests at once are dropped. */
  users: number;
  /**
   * Whether to tell how late requests started, and to count latencies from when they were due as well. Right while nothing
   * is dropped: k6 numbers those that started.
   */
  countsLateness: boolean;
  /** Endpoints whose figures are wanted, in each of {@link judged}. */
  endpoints: readonly string[];
  judged: string;
  /** Milliseconds after which an answer counts as missing. */
  timeoutMs: number;
  scale: number;
  cookies: readonly string[];
  found: readonly Found[];
  guests: number;
  run: string;
  seed: number;
  /** Milliseconds of CPU wasted before each request, to show that a generator that saturates is found out. */
  wasteMs: number;
  summaryFile: string;
}
