import type { EndpointResult } from '../generator/load-result.ts';
import type { Phase } from './schedule.ts';
import { plannedIn } from './schedule.ts';

/** What k6's summary says of a metric, as `handleSummary` gets it. */
export type K6Summary = Readonly<Record<string, { values: Readonly<Record<string, number>> } | undefined>>;

/** What one phase brought. */
export interface PhaseResult extends EndpointResult {
  /** Name of the phase. */
  endpoint: string;
  seconds: number;
  /** Requests that were due in it; those that are neither answered nor under way were dropped. */
  planned: number;
}

/** Requests that k6 had no user for. */
export function droppedIn(summary: K6Summary): number {
  return summary['dropped_iterations']?.values['count'] ?? 0;
}

/**
 * Figures of one endpoint in one phase, or of all of them; all 0 when there was no request. Latencies count from when a
 * request was due; from when it started, if some were dropped or the rate asked for more than could be started.
 */
export function resultOf(summary: K6Summary, phase: string, name?: string): EndpointResult {
  const share = name === undefined ? `phase:${phase}` : `phase:${phase},name:${name}`;
  const sinceDue = droppedIn(summary) === 0 ? summary[`since_due{${share}}`]?.values : undefined;
  const values = sinceDue?.['count'] ? sinceDue : summary[`response_time{${share}}`]?.values;
  const of = (statistic: string) => values?.[statistic] ?? 0;
  return {
    endpoint: name ?? 'all',
    requests: of('count'),
    errors: summary[`wrong_answers{${share}}`]?.values['count'] ?? 0,
    p50: of('med'),
    p95: of('p(95)'),
    p99: of('p(99)'),
    max: of('max'),
  };
}

/** In the order in which they came; phases of one name are one. */
export function phaseResults(summary: K6Summary, phases: readonly Phase[]): PhaseResult[] {
  return [...Map.groupBy(phases, ({ name }) => name)].map(([name, parts]) => ({
    ...resultOf(summary, name),
    endpoint: name,
    seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0),
    planned: Math.round(parts.reduce((sum, phase) => sum + plannedIn(phase), 0)),
  }));
}
