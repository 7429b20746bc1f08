import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LoadtestError } from '../loadtest/loadtest.error.ts';
import { runResult } from './run-result.ts';
import type { RunResult } from './run-result.ts';

/** Runs that are kept for all to see are committed; those of one's own machine are in `local/`, which git ignores. */
export const resultsFolder = fileURLToPath(new URL('../../results/', import.meta.url));
export const localFolder = join(resultsFolder, 'local');

/** Thousandths of a millisecond, of a core, of a share: no figure means more, and the files stay readable. */
const rounded = (_key: string, value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value);

/** Adds a line to the results of its test. */
export function addResult(result: RunResult, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${result.test}.jsonl`);
  appendFileSync(file, `${JSON.stringify(result, rounded)}\n`);
  return file;
}

/** All results, the oldest first. @throws LoadtestError `no-result` naming the line that is none */
export function readResults(folders: readonly string[] = [resultsFolder, localFolder]): RunResult[] {
  const files = folders.flatMap((folder) => (existsSync(folder) ? globSync('*.jsonl', { cwd: folder }).map((file) => join(folder, file)) : []));
  return files.flatMap(readFile).sort((a, b) => a.at.localeCompare(b.at));
}

export function readFile(file: string): RunResult[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, `${file}:${index + 1}`)]));
}

function parseLine(line: string, place: string): RunResult {
  try {
    return runResult.parse(JSON.parse(line));
  } catch (cause) {
    throw new LoadtestError('no-result', `${place} is no result of a load test: ${(cause as Error).message}`, { cause });
  }
}
