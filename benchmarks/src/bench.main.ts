import { globSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBenchCommand } from './frame/bench.command.ts';
import { lastRecords } from './frame/bench.record.ts';
import { benchmarksPage } from './frame/bench.report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const results = join(root, 'benchmarks/results');

/** Name of each bench → its folder. */
const benches = new Map(globSync('*/*.bench.ts', { cwd: import.meta.dirname }).sort().map((file) => [basename(file, '.bench.ts'), join(import.meta.dirname, dirname(file))]));

const usage = `Usage: npm run bench [-- NAME… [--keep]]

Runs benchmarks, all or those named: ${[...benches.keys()].join(', ')}.

  --keep    adds the results to benchmarks/results/ and makes docs/benchmarks.md anew

Exit code: 0 when every goal is met, 1 when one is not, or open.
`;

await runBenchCommand({
  kind: 'bench',
  known: benches,
  usage,
  results,
  onKept: () => writeFileSync(join(root, 'docs/benchmarks.md'), benchmarksPage(lastRecords(results))),
});
