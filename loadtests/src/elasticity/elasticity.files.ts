import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elasticityChart } from './elasticity.chart.ts';
import type { ElasticityResult } from './elasticity.result.ts';

/** Thousandths: no figure means more. */
const rounded = (_key: string, value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);

/** Writes the result as JSON, a sample to a line, and the chart beside it. */
export function writeElasticity(result: ElasticityResult, folder: string, name: string): { file: string; chart: string } {
  mkdirSync(folder, { recursive: true });
  const [file, chart] = [join(folder, `${name}.json`), join(folder, `${name}.svg`)];
  const { samples, ...head } = result;
  const lines = samples.map((sample) => `    ${JSON.stringify(sample, rounded)}`).join(',\n');
  writeFileSync(file, `${JSON.stringify({ ...head, samples: [] }, rounded, 2).replace(/"samples": \[\]\n\}$/, '')}"samples": [\n${lines}\n  ]\n}\n`);
  writeFileSync(chart, elasticityChart(result));
  return { file, chart };
}
