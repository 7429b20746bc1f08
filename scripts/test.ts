import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '@tenfold/local-cluster';
import type { Cluster } from '@tenfold/local-cluster';
import type { ProvidedContext } from 'vitest';
import { seedAll } from '../loadtests/src/seed/seed.ts';
import { build } from './build.ts';
import { lint } from './lint.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const directory = join(root, '.tenfold', 'test');

interface Tally {
  passed: number;
  failed: number;
}

const say = (line: string) => process.stdout.write(`${line}\n`);

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<number> {
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
async function vitest(config: string, env: Record<string, string> = {}, filters: readonly string[] = []): Promise<Tally> {
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

function serversOf({ urls }: Cluster): Record<string, string> {
  const servers: ProvidedContext['servers'] = {
    postgresPrimary: urls.postgres.primary,
    postgresReplicas: urls.postgres.replicas,
    postgresShard1: urls.postgres.shard1,
    sessionRedis: urls.sessionRedis,
    cacheRedis: urls.cacheRedis,
    kafka: urls.kafka,
    smtp: urls.smtp,
    mail: urls.mail,
    gateway: urls.gateway,
  };
  return { TENFOLD_TEST_SERVERS: JSON.stringify(servers) };
}

/** Tests of libraries and services: real servers, no replicas that would compete with them for the cores. */
async function againstServers(filters: readonly string[]): Promise<Tally> {
  const cluster = await startCluster({ directory, services: 'none', onProgress: say });
  try {
    return await vitest('vitest.config.ts', serversOf(cluster), filters);
  } finally {
    await cluster.stop();
  }
}

/** The end-to-end suite, through HAProxy against the whole shop. */
async function againstShop(): Promise<Tally> {
  const cluster = await startCluster({
    directory,
    // All of the suite comes from one address.
    environment: { gateway: { LOGIN_LIMIT_PER_MINUTE: '1000', RATE_LIMIT_PER_MINUTE: '10000' } },
    beforeServices: ({ urls }) => seedAll({ urls, scale: 0.02, onProgress: say }),
    onProgress: say,
  });
  try {
    return await vitest('vitest.e2e.config.ts', serversOf(cluster));
  } finally {
    await cluster.stop();
  }
}

/** With paths, e.g. `npm test -- libs/session`, only the tests below them; without, everything. */
async function main(filters: readonly string[]): Promise<void> {
  const verdict = (ok: boolean): Tally => (ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  const tallies: Tally[] = [];
  if (filters.length > 0) {
    tallies.push(await againstServers(filters));
  } else {
    const { clean, output } = lint();
    say(output.trim());
    tallies.push(verdict(clean), verdict((await run('tsc', ['-b'])) === 0));
    await build();
    tallies.push(await againstServers([]), await againstShop(), await vitest('vitest.cluster.config.ts'));
  }
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}

await main(process.argv.slice(2));
