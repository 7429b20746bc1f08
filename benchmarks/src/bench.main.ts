import { globSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ClusterError } from '@tenfold/local-cluster';
import { keepRecord, lastRecords, recordOf } from './frame/bench.record.ts';
import { benchmarksPage, reportText, verdictsOf } from './frame/bench.report.ts';
import { note, runBench } from './frame/run-bench.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const results = join(root, 'benchmarks/results');

/** Name of each bench → its folder. */
const benches = new Map(globSync('*/*.bench.ts', { cwd: import.meta.dirname }).sort().map((file) => [basename(file, '.bench.ts'), join(import.meta.dirname, dirname(file))]));

const usage = `Usage: npm run bench [-- NAME… [--keep]]

Runs benchmarks, all or those named: ${[...benches.keys()].join(', ')}.

  --keep    adds the results to benchmarks/results/ and makes docs/benchmarks.md anew

Exit code: 0 when every goal is met, 1 when one is not, or open.
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.find((name) => !benches.has(name));
  if (values.help || unknown !== undefined) {
    say(unknown === undefined ? usage : `There is no bench "${unknown}".\n\n${usage}`);
    return values.help ? 0 : 2;
  }
  const stop = new AbortController();
  const interrupt = () => {
    stop.abort();
    process.exitCode = 130;
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  mkdirSync(results, { recursive: true });
  let allMet = true;
  for (const name of positionals.length > 0 ? positionals : benches.keys()) {
    const result = await runBench(name, benches.get(name) as string, stop.signal);
    note('');
    say(`${reportText(result)}\n`);
    allMet &&= verdictsOf(result).every(({ verdict }) => verdict === 'met');
    if (values.keep) keepRecord(results, recordOf(name, result));
  }
  if (values.keep) writeFileSync(join(root, 'docs/benchmarks.md'), benchmarksPage(lastRecords(results)));
  return allMet ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  note('');
  if (process.exitCode !== 130) {
    process.stderr.write(`${error instanceof ClusterError ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
}
