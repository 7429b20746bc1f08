import { escape } from '../report/escape.ts';
import type { RunResult } from './run-result.ts';

const WIDTH = 560;
const HEIGHT = 120;
const EDGE = 8;

/** What is drawn over time: one line each. */
const series: readonly { title: string; of: (run: RunResult) => number | undefined }[] = [
  { title: 'p95, ms', of: ({ overall }) => overall.p95 },
  { title: 'p99, ms', of: ({ overall }) => overall.p99 },
  { title: 'requests per second', of: ({ rate }) => rate },
  { title: 'CPU of the system, ms per request', of: ({ systemCpuMsPerRequest }) => systemCpuMsPerRequest },
  { title: 'cache hit rate', of: ({ cacheHitRate }) => cacheHitRate },
  { title: 'memory of all processes, MiB', of: ({ processes }) => processes.reduce((sum, { mebibytes }) => sum + mebibytes, 0) },
];

/** A page of all results that needs nothing else: for each test, rate and machine, how its figures went, and a table. */
export function trendPage(runs: readonly RunResult[]): string {
  const counted = runs.filter((run) => run.void === undefined);
  const groups = Map.groupBy(counted, ({ test, settings, machine }) => `${test}, ${settings.rate} requests/s, ${machine.cores} x ${machine.cpu}`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Load tests</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 1200px; margin: 2rem auto; padding: 0 1rem; }
  figure { display: inline-block; margin: 0 1rem 1rem 0; }
  polyline { fill: none; stroke: #2563eb; stroke-width: 1.5; }
  circle { fill: #2563eb; } circle.missed { fill: #dc2626; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; } td, th { padding: 0 .8rem 0 0; text-align: right; }
  .missed { color: #dc2626; }
</style>
<h1>Load tests</h1>
<p>${counted.length} runs that count, the oldest first. Red: a target was missed. A point names its commit and label.</p>
${[...groups].map(([title, group]) => section(title, group)).join('\n')}
</html>
`;
}

function section(title: string, runs: readonly RunResult[]): string {
  const rows = runs.map(
    ({ at, commit, label = '', rate, overall, met }) =>
      `<tr class="${met ? '' : 'missed'}"><td>${escape(at.slice(0, 16).replace('T', ' '))}<td>${escape(commit)}<td>${escape(label)}<td>${rate}<td>${[overall.p50, overall.p95, overall.p99].map((value) => value.toFixed(1)).join('<td>')}<td>${met ? 'met' : 'missed'}`,
  );
  return `<h2>${escape(title)}</h2>
${series.map(({ title, of }) => chart(title, runs, of)).join('')}
<table><tr><th>when<th>commit<th>label<th>requests/s<th>p50<th>p95<th>p99<th>targets
${rows.join('\n')}
</table>`;
}

/** From 0 to the largest value, so that a small change looks small. */
function chart(title: string, runs: readonly RunResult[], of: (run: RunResult) => number | undefined): string {
  const points = runs.flatMap((run) => {
    const value = of(run);
    return value === undefined ? [] : [{ run, value }];
  });
  const largest = Math.max(...points.map(({ value }) => value), Number.MIN_VALUE);
  const placed = points.map(({ run, value }, index) => ({
    run,
    value,
    x: EDGE + (points.length < 2 ? 0 : (index * (WIDTH - 2 * EDGE)) / (points.length - 1)),
    y: HEIGHT - EDGE - (value / largest) * (HEIGHT - 2 * EDGE),
  }));
  const line = placed.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  const dots = placed.map(
    ({ run, value, x, y }) =>
      `<circle class="${run.met ? '' : 'missed'}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"><title>${escape(`${value.toFixed(2)} at ${run.commit} ${run.label ?? ''}`)}</title></circle>`,
  );
  return `<figure><figcaption>${escape(title)}: ${(points.at(-1)?.value ?? 0).toFixed(2)}, at most ${largest.toFixed(2)}</figcaption><svg width="${WIDTH}" height="${HEIGHT}"><polyline points="${line}"/>${dots.join('')}</svg></figure>`;
}
