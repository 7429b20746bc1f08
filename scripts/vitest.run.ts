import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@tenfold/local-cluster';
import type { ProvidedContext } from 'vitest';
import { phaseLines } from './phases.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the servers of the tests keep their data. */
export const testDirectory = join(root, '.tenfold', 'test');

export interface Tally {
  passed: number;
  failed: number;
  /** What failed, a line each. */
  failures?: string[];
  /** What passed only when it was run once more, a line each. */
  unsteady?: string[];
}

export const say = (line: string) => process.stdout.write(`${line}\n`);

/** Runs a program of node_modules/.bin at the root; resolves to its exit code. Told to end, it ends the program first. @throws Error then */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', command), args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    let told: NodeJS.Signals | undefined;
    const end = (signal: NodeJS.Signals) => {
      told = signal;
      child.kill(signal);
    };
    process.on('SIGTERM', end).on('SIGINT', end);
    const settle = () => process.off('SIGTERM', end).off('SIGINT', end);
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code) => {
      settle();
      if (told) reject(new Error(`${command} was ended by ${told}`));
      else resolve(code ?? 1);
    });
  });
}

/** A test file that fails is run once more, alone, as long as no more than this many do: a few are the machine's, many are ours. */
const secondTries = 3;

/** What Vitest's JSON report says of a file. */
interface FileReport {
  name: string;
  status: string;
  message: string;
  assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
}

/**
 * Runs one Vitest configuration and counts what its own report says; a run that breaks off counts as one failure.
 *
 * Many tests set clocks, servers and loads against each other on a machine that others may share, so a file that fails is
 * run once more. Tests that pass then count as passed, and {@link conclude} names them: they are to be made steady.
 */
export async function vitest(config: string, env: Record<string, string> = {}, filters: readonly string[] = []): Promise<Tally> {
  const first = await report(config, env, filters);
  const failed = first.files.filter(({ status }) => status === 'failed');
  if (filters.length > 0 || failed.length === 0 || failed.length > secondTries) return tallyOf(first);
  say(`\nonce more: ${failed.map(({ name }) => relative(root, name)).join(', ')}`);
  const second = await report(config, env, failed.map(({ name }) => name));
  const steady = tallyOf({ ...first, code: 0, files: first.files.filter((file) => !failed.includes(file)) });
  const { passed, failed: stillFailing, failures = [] } = tallyOf(second);
  const unsteady = failed.flatMap(failuresOf).filter((line) => !failures.includes(line));
  return { passed: steady.passed + passed, failed: stillFailing, failures, unsteady };
}

async function report(config: string, env: Record<string, string>, filters: readonly string[]): Promise<{ code: number; files: FileReport[] }> {
  const path = join(root, '.tenfold', `${config}.json`);
  rmSync(path, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${path}`];
  const code = await run('vitest', ['run', '--config', config, ...reporters, ...filters], env);
  const files = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { testResults: FileReport[] }).testResults : [];
  return { code, files };
}

function tallyOf({ code, files }: { code: number; files: readonly FileReport[] }): Tally {
  const count = (status: string) => files.flatMap((file) => file.assertionResults).filter((test) => test.status === status).length;
  const failures = files.filter(({ status }) => status === 'failed').flatMap(failuresOf);
  // An error outside of tests and files fails the run without failing either.
  if (code !== 0 && failures.length === 0) failures.push('Vitest ended with an error outside of any test; it stands above.');
  return { passed: count('passed'), failed: Math.max(count('failed'), failures.length), failures };
}

/** The tests that failed in a file, with the first line of why; a hook that failed, such as that of leaks, stands for the file. */
function failuresOf({ name, message, assertionResults }: FileReport): string[] {
  const failed = assertionResults.filter(({ status }) => status === 'failed');
  const lines = failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]?.split('\n')[0] ?? ''}`);
  return (lines.length > 0 ? lines : [message.split('\n')[0] ?? '']).map((line) => `${relative(root, name)}: ${line}`);
}

/**
 * The environment by which `scripts/test-servers.ts` learns of the servers.
 *
 * @param services where they send their spans, if they do, and whether they run without their caches
 */
export function serversOf({ urls }: Cluster, { spans = '', cachesOff = false } = {}): Record<string, string> {
  const servers: ProvidedContext['servers'] = {
    postgresPrimary: urls.postgres.primary,
    postgresReplicas: urls.postgres.replicas,
    postgresShard1: urls.postgres.shard1,
    pgbouncer: urls.pgbouncer,
    sessionRedis: urls.sessionRedis,
    cacheRedis: urls.cacheRedis,
    kafka: urls.kafka,
    smtp: urls.smtp,
    mail: urls.mail,
    gateway: urls.gateway,
    spans,
    cachesOff,
  };
  return { TENFOLD_TEST_SERVERS: JSON.stringify(servers) };
}

/** Names what failed, says where the time went if that was measured, prints the last line, and sets the exit code: 0 when something passed and nothing failed. */
export function conclude(tallies: readonly Tally[]): void {
  const unsteady = tallies.flatMap((tally) => tally.unsteady ?? []);
  const failures = tallies.flatMap((tally) => tally.failures ?? []);
  if (unsteady.length > 0) say(`\nfailed at first, and passed when run once more:\n${unsteady.join('\n')}`);
  if (failures.length > 0) say(`\nfailed:\n${failures.join('\n')}`);
  const times = phaseLines();
  if (times.length > 0) say(`\ntook:\n${times.join('\n')}`);
  const sum = (key: 'passed' | 'failed') => tallies.reduce((total, tally) => total + tally[key], 0);
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}
