import { fileURLToPath } from 'node:url';
import { runBenchCommand } from './frame/bench.command.ts';
import { measuredText } from './frame/bench.report.ts';
import { keepMeasured, patterns } from './patterns/pattern-pages.ts';

const usage = `Usage: npm run prove [-- PATTERN… [--keep]]

Measures patterns with and without, in turn in one run, on this machine: ${[...patterns.keys()].join(', ')}.
Each has a page in docs/patterns/.

  --keep    adds the results to benchmarks/results/patterns/ and to the pattern's page

Exit code: 0 when every pattern holds what its page promises, 1 when one does not, or it stays open.
`;

await runBenchCommand({
  kind: 'pattern',
  known: patterns,
  usage,
  results: fileURLToPath(new URL('../results/patterns', import.meta.url)),
  onKept: (name, record) => keepMeasured(name, measuredText(record)),
});
