import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dashboardFiles, dashboardsFolder } from '../dashboards.ts';
import { dashboards } from './index.ts';
import { groupingOf, selectorsOf } from './selectors.ts';

const runbooks = fileURLToPath(new URL('../../docs/runbooks', import.meta.url));

describe('the dashboards', () => {
  it('are written to the files that Grafana reads (node scripts/dashboards.ts)', () => {
    const files = [...dashboardFiles()];
    expect(globSync('*.json', { cwd: dashboardsFolder }).sort()).toEqual(files.map(([file]) => file).sort());
    for (const [file, text] of files) expect(readFileSync(join(dashboardsFolder, file), 'utf8')).toBe(text);
  });

  it('have every diagram that a runbook sends one to', () => {
    const titles = new Map(dashboards.map(({ title, rows }) => [title, Object.values(rows).flat().map((panel) => panel.title.toLowerCase())]));
    const missing = globSync('*.md', { cwd: runbooks }).flatMap((page) =>
      [...readFileSync(join(runbooks, page), 'utf8').matchAll(/\*(System|Service|Database|Jobs|Load test)\*, "([^"]+)"/g)]
        .filter(([, dashboard = '', panel = '']) => !titles.get(dashboard)?.includes(panel.toLowerCase()))
        .map(([found]) => `${page}: ${found}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('what a query names', () => {
  it('is found with its labels, functions and groupings left out', () => {
    const query = 'histogram_quantile(0.95, sum by (call, le) (rate(call_seconds_bucket{code!="ok", call=~"a{2}|b"}[5m]))) > 0.5 and on (call) up == 1 or vector(0)';
    expect(selectorsOf(query)).toEqual([
      { metric: 'call_seconds_bucket', labels: ['code', 'call'] },
      { metric: 'up', labels: [] },
    ]);
    expect(groupingOf(query)).toEqual(['call']);
  });

  it('may be a recorded series', () => {
    expect(selectorsOf('service:errors:ratio_rate1h > 14.4 * 0.001 and 1e6 < time() - a{job="x"}')).toEqual([
      { metric: 'service:errors:ratio_rate1h', labels: [] },
      { metric: 'a', labels: ['job'] },
    ]);
  });
});
