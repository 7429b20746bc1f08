import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ClusterError } from '@tenfold/local-cluster';
import { keepRecord, recordOf } from './frame/bench.record.ts';
import { measuredText, reportText, verdictsOf } from './frame/bench.report.ts';
import { note, runBench } from './frame/run-bench.ts';
import { keepMeasured, patterns } from './patterns/pattern-pages.ts';

const results = fileURLToPath(new URL('../results/patterns', import.meta.url));

const usage = `Usage: npm run prove [-- PATTERN… [--keep]]

Measures patterns with and without, in turn in one run, on this machine: ${[...patterns.keys()].join(', ')}.
Each has a page in docs/patterns/.

  --keep    adds the results to benchmarks/results/patterns/ and to the pattern's page

Exit code: 0 when every pattern holds what its page promises, 1 when one does not, or it stays open.
`;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.find((name) => !patterns.has(name));
  if (values.help || unknown !== undefined) {
    say(unknown === undefined ? usage : `There is no pattern "${unknown}".\n\n${usage}`);
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
  for (const name of positionals.length > 0 ? positionals : patterns.keys()) {
    const result = await runBench(name, patterns.get(name) as string, stop.signal);
    note('');
    say(`${reportText(result)}\n`);
    allMet &&= verdictsOf(result).every(({ verdict }) => verdict === 'met');
    if (!values.keep) continue;
    const record = recordOf(name, result);
    keepRecord(results, record);
    keepMeasured(name, measuredText(record));
  }
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
