import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '@tenfold/local-cluster';
import type { ProvidedContext } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where the servers of the tests keep their data. */
export const testDirectory = join(root, '.tenfold', 'test');

export interface Tally {
  passed: number;
  failed: number;
}

export const say = (line: string) => process.stdout.write(`${line}\n`);

/** Runs a program of node_modules/.bin at the root; resolves to its exit code. */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', command), args, {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Runs one Vitest configuration and counts what its own report says; a run that breaks off counts as one failure. */
export async function vitest(config: string, env: Record<string, string> = {}, filters: readonly string[] = []): Promise<Tally> {
  const report = join(root, '.tenfold', `${config}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run('vitest', ['run', '--config', config, ...reporters, ...filters], env);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
  const failed = numFailedTests ?? 0;
  // Errors outside of tests, such as a leak in a hook, fail the run without failing a test.
  return { passed: numPassedTests ?? 0, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/**
 * The environment by which `scripts/test-servers.ts` learns of the servers.
 *
 * @param spans where services send their spans, if they do
 */
export function serversOf({ urls }: Cluster, spans = ''): Record<string, string> {
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
  };
  return { TENFOLD_TEST_SERVERS: JSON.stringify(servers) };
}

/** Prints the last line, and sets the exit code: 0 when something passed and nothing failed. */
export function conclude(tallies: readonly Tally[]): void {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}
