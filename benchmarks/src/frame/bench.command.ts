import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ClusterError } from '@tenfold/local-cluster';
import { keepRecord, recordOf } from './bench.record.ts';
import type { BenchRecord } from './bench.record.ts';
import { reportText, verdictsOf } from './bench.report.ts';
import { note, runBench } from './run-bench.ts';

export interface BenchCommand {
  /** What is run, for the message about one that is unknown, e.g. `bench`. */
  kind: string;
  /** Name of each → its folder. */
  known: ReadonlyMap<string, string>;
  usage: string;
  /** Folder of the results that are kept. */
  results: string;
  /** Called with `--keep` for each that has run, after its record is among the results. */
  onKept(name: string, record: BenchRecord): void;
}

/** Runs what the command line names, all by default, and sets the exit code: 0 when every goal is met. */
export async function runBenchCommand(command: BenchCommand): Promise<void> {
  try {
    process.exitCode = await run(command);
  } catch (error) {
    note('');
    if (process.exitCode !== 130) {
      process.stderr.write(`${error instanceof ClusterError ? error.message : (error as Error).stack}\n`);
      process.exitCode = 1;
    }
  }
}

async function run({ kind, known, usage, results, onKept }: BenchCommand): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  const unknown = positionals.find((name) => !known.has(name));
  if (values.help || unknown !== undefined) {
    say(unknown === undefined ? usage : `There is no ${kind} "${unknown}".\n\n${usage}`);
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
  for (const name of positionals.length > 0 ? positionals : known.keys()) {
    const result = await runBench(name, known.get(name) as string, stop.signal);
    note('');
    say(`${reportText(result)}\n`);
    allMet &&= verdictsOf(result).every(({ verdict }) => verdict === 'met');
    if (!values.keep) continue;
    const record = recordOf(name, result);
    keepRecord(results, record);
    onKept(name, record);
  }
  return allMet ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
