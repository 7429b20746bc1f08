import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { replicaOf } from '../services/service-processes.ts';
import type { SupervisedProcess } from '../supervised-process.ts';

/** What Prometheus reads of one target: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config. */
export interface ScrapeTarget {
  port: number;
  labels: Readonly<Record<string, string>>;
}

/** The folder of files that tell Prometheus what to ask, one for each of its jobs. */
export function targetsDirectory(directory: string): string {
  return join(directory, 'prometheus/targets');
}

export function writeTargets(directory: string, job: string, targets: readonly ScrapeTarget[]): void {
  const file = join(targetsDirectory(directory), `${job}.json`);
  const entries = targets.map(({ port, labels }) => ({ targets: [`${address}:${port}`], labels }));
  const text = `${JSON.stringify(entries, undefined, 2)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeAtomically(file, text);
}

/** Names all replicas but those that are being stopped for good: one that died and starts again is a target that is down. */
export function writeServiceTargets(directory: string, processes: Iterable<SupervisedProcess>): void {
  const targets: ScrapeTarget[] = [];
  for (const { name, state, specification } of processes) {
    const port = specification.ports['operations'];
    const service = replicaOf(name)?.service;
    if (specification.kind !== 'service' || port === undefined || service === undefined) continue;
    if (state !== 'stopping' && state !== 'stopped') targets.push({ port, labels: { service, replica: name } });
  }
  writeTargets(directory, 'services', targets);
}
