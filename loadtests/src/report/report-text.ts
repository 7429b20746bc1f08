import type { EndpointResult, LoadResult } from '../generator/load-result.ts';
import type { DemoReport } from './demo-report.ts';
import { isOfEndpoint } from './verdicts.ts';
import type { Verdict } from './verdicts.ts';

/** The report for a person. */
export function reportText(report: DemoReport): string {
  const { load, counters, lag, machine } = report;
  const { verdicts } = report;
  const others = verdicts.filter((verdict) => !isOfEndpoint(verdict));
  const lines = [
    `${whole(load.overall.requests)} requests in ${load.seconds} s on ${machine.cores} cores of ${whole(machine.roundsPerSecond)} rounds/s, the load generator included (${machine.platform}, Node ${machine.node})`,
    '',
    ...table(endpointRows(load, verdicts)),
    '',
    ...table(targetRows(others)),
    '',
    `jobs done           ${whole(counters.jobsDone)}; ${whole(counters.jobsRetried)} attempts put aside for another, ${whole(counters.jobsDead)} dead letters`,
    `receipts mailed     ${whole(counters.mails)} of these jobs`,
    `behind at the end   ${whole(lag.messages)} messages, outbox ${lag.outboxSeconds.toFixed(1)} s`,
    ...cacheLines(counters.caches),
    `load generator      ${load.generatorCpu.toFixed(2)} cores, latest start ${milliseconds(load.latestStart)} after its time`,
    `start               ${report.start.seconds.toFixed(1)} s, side by side: ${report.start.steps.map(({ step, seconds }) => `${step} ${seconds.toFixed(1)} s`).join(', ')}`,
    ...processLines(report),
    ...errorLines(report),
    '',
    verdictLine(report),
  ];
  return lines.join('\n');
}

/** Endpoint × target: an endpoint meets its target when both of its percentiles do. */
export function endpointRows({ endpoints, overall }: Pick<LoadResult, 'endpoints' | 'overall'>, verdicts: readonly Verdict[]): string[][] {
  const row = ({ endpoint, requests, errors, p50, p95, p99, max }: EndpointResult, whose: string) => {
    const own = verdicts.filter(({ target }) => target === `p95 ${whose}` || target === `p99 ${whose}`);
    const limits = own.map(({ limit }) => Math.round(limit)).join(' / ');
    return [endpoint, whole(requests), whole(errors), ...[p50, p95, p99, max].map(milliseconds), limits, own.length === 0 ? '' : wordFor(own.every(({ met }) => met))];
  };
  return [
    ['endpoint', 'requests', 'errors', 'p50', 'p95', 'p99', 'max', 'p95 / p99 below', ''],
    ...endpoints.map((result) => row(result, `of ${result.endpoint}`)),
    row(overall, 'overall'),
  ];
}

export function targetRows(verdicts: readonly Verdict[]): string[][] {
  return [
    ['target', 'reached', 'limit', ''],
    ...verdicts.map((verdict) => [verdict.target, valueText(verdict, verdict.reached), `${verdict.rule} ${valueText(verdict, verdict.limit)}`, wordFor(verdict.met)]),
  ];
}

/** The share of each cache that was asked at all; one that is switched off has 0 %. */
function cacheLines(caches: DemoReport['counters']['caches']): string[] {
  const asked = Object.entries(caches).filter(([, { requests }]) => requests > 0);
  const items = asked.map(([name, { requests, hits }]) => `${name} ${((hits / requests) * 100).toFixed(1)} % of ${whole(requests)}`);
  return items.length === 0 ? [] : wrapped('hit rates', items);
}

function processLines({ memory, cpu }: DemoReport): string[] {
  const sum = memory.reduce((total, { mebibytes }) => total + mebibytes, 0);
  const largest = memory.toSorted((a, b) => b.mebibytes - a.mebibytes);
  const used = cpu.reduce((total, { cores }) => total + cores, 0);
  return [
    ...wrapped(`memory (${whole(sum)} MiB)`, largest.map(({ name, mebibytes }) => `${name} ${whole(mebibytes)}`)),
    ...(cpu.length > 0 ? wrapped(`cores (${used.toFixed(2)})`, cpu.map(({ name, cores }) => `${name} ${cores.toFixed(2)}`)) : []),
  ];
}

function errorLines({ load }: DemoReport): string[] {
  return load.errors.map(({ endpoint, status, detail, count }) => `error               ${whole(count)} x ${endpoint}: ${status || 'no answer'} ${detail}`);
}

export function verdictLine({ verdicts, met }: Pick<DemoReport, 'verdicts' | 'met'>): string {
  return met ? 'All targets are met.' : `${verdicts.filter(({ met }) => !met).length} of ${verdicts.length} targets are NOT MET.`;
}

/** Names in as many lines as they need, under one heading. */
export function wrapped(heading: string, items: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const item of items) {
    if (line.length + item.length > 96) {
      lines.push(line);
      line = '';
    }
    line += line ? `, ${item}` : item;
  }
  lines.push(line);
  return lines.map((text, index) => `${(index === 0 ? heading : '').padEnd(20)}${text}`);
}

/** Columns as wide as their widest cell; all but the first to the right. */
export function table(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ').trimEnd(),
  );
}

/** A figure of a verdict with its unit; a share too small for one digit gets three, so that it does not look like none. */
export function valueText({ unit }: { unit: string }, value: number): string {
  if (unit === 'ms') return milliseconds(value);
  if (unit === 'share') return Number.isNaN(value) ? 'nothing counted' : `${(value * 100).toFixed(value > 0 && value < 0.0005 ? 3 : 1)} %`;
  if (unit === 'MiB/min' || unit === 's') return `${value.toFixed(1)} ${unit}`;
  return whole(value);
}

function wordFor(met: boolean): string {
  return met ? 'met' : 'NOT MET';
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
