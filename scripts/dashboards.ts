import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { grafanaDashboard } from './dashboards/dashboard.ts';
import { dashboards } from './dashboards/index.ts';

/** Where Grafana finds the dashboards. */
export const dashboardsFolder = fileURLToPath(new URL('../infra/grafana/dashboards', import.meta.url));

/** The text of each dashboard's file, by its name. */
export function dashboardFiles(): Map<string, string> {
  return new Map(dashboards.map((one) => [`${one.name}.json`, `${JSON.stringify(grafanaDashboard(one), undefined, 2)}\n`]));
}

if (import.meta.main) {
  mkdirSync(dashboardsFolder, { recursive: true });
  for (const [file, text] of dashboardFiles()) writeFileSync(join(dashboardsFolder, file), text);
  process.stdout.write(`${dashboards.length} dashboards written to ${dashboardsFolder}\n`);
}
