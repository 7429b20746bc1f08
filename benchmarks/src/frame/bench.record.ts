import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, globSync, readFileSync } from 'node:fs';
import { cpus, platform } from 'node:os';
import { basename, join } from 'node:path';
import type { BenchResult } from './bench.runner.ts';

/** One line of `benchmarks/results/<name>.jsonl`: every round of a run, and what it ran on. */
export interface BenchRecord extends BenchResult {
  name: string;
  /** ISO 8601. */
  at: string;
  /** Commit, with `+` when files differed from it. */
  commit: string;
  machine: { processor: string; cores: number; platform: string; node: string };
}

export function recordOf(name: string, result: BenchResult): BenchRecord {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const processors = cpus();
  return {
    name,
    at: new Date().toISOString(),
    commit: git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : ''),
    machine: { processor: processors[0]?.model.trim() ?? 'unknown', cores: processors.length, platform: platform(), node: process.version },
    ...result,
  };
}

/** Adds a run to its bench's history. */
export function keepRecord(folder: string, record: BenchRecord): void {
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value);
  appendFileSync(join(folder, `${record.name}.jsonl`), `${JSON.stringify(record, rounded)}\n`);
}

/** The last run of each bench that has any, by name. */
export function lastRecords(folder: string): BenchRecord[] {
  return globSync('*.jsonl', { cwd: folder })
    .sort()
    .flatMap((file) => readRecords(folder, basename(file, '.jsonl')).slice(-1));
}

/** All kept runs of a bench, oldest first. */
export function readRecords(folder: string, name: string): BenchRecord[] {
  const file = join(folder, `${name}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as BenchRecord);
}
