import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCluster } from '@tenfold/local-cluster';
import { accountEmail, ADMIN_EMAIL, PASSWORD } from '../loadtests/src/seed/account.ts';
import { seedAll } from '../loadtests/src/seed/seed.ts';
import { build } from './build.ts';
import { conclude, say, testDirectory } from './vitest.run.ts';
import type { Tally } from './vitest.run.ts';

/*
 * The API against its own description: https://schemathesis.readthedocs.io sends what the OpenAPI document allows and what
 * it forbids, to every route, as a stranger, as a customer and as an admin, and looks for a 5xx, a status, a type or a body that the
 * document does not name. The same seed each time, so that a failure comes again.
 */
const version = '4.32.5';
const root = fileURLToPath(new URL('..', import.meta.url));
const home = `${root}.tenfold/schemathesis-${version}`;
const program = `${home}/bin/schemathesis`;
const execute = promisify(execFile);

const checks = 'not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance';
/** Not for who is logged in: each guess of the password puts off the next log-in, and an admin would disable whom it finds in the list of accounts. */
const shuttingOut = '^Account\\.(changePassword|change)$';

/** Who asks, and the seeded account that it logs in as. */
const people = [['a stranger', undefined], ['a customer', accountEmail(9)], ['an admin', ADMIN_EMAIL]] as const;

/** Brings it in from PyPI, once for this checkout. */
async function install(): Promise<void> {
  if (existsSync(program)) return;
  say(`installing schemathesis ${version}: python3 -m venv, pip install`);
  try {
    await execute('python3', ['-m', 'venv', home]);
    await execute(`${home}/bin/pip`, ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`]);
  } catch (cause) {
    // Half of it would pass for all of it at the next run.
    rmSync(home, { recursive: true, force: true });
    throw new Error('schemathesis could not be installed. It needs python3 with venv (Debian: apt install python3-venv) and PyPI.', { cause });
  }
}

/** Its settings, with who is logged in. */
function configOf(email: string): string {
  const file = `${home}/${email}.toml`;
  writeFileSync(file, readFileSync(new URL('schemathesis.toml', import.meta.url), 'utf8').replace('$EMAIL', email).replace('$PASSWORD', PASSWORD));
  return file;
}

async function check(gateway: string, who: string, email: string | undefined, examples: number): Promise<Tally> {
  const options = {
    checks,
    phases: 'examples,coverage,fuzzing',
    'max-examples': examples,
    seed: 1,
    // More than one at a time trips over a fault of Python 3.11 (AST constructor recursion depth mismatch).
    workers: 1,
    'generation-with-security-parameters': false,
    'suppress-health-check': 'all',
    'request-timeout': 10,
    'max-time': 45,
  };
  const args = [
    ...(email ? ['--config-file', configOf(email)] : []),
    'run',
    `${gateway}/openapi.json`,
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...(email ? ['--exclude-operation-id-regex', shuttingOut] : []),
  ];
  try {
    const { stdout } = await execute(program, args, { cwd: `${root}.tenfold`, maxBuffer: 64 * 1_048_576 });
    say(`schemathesis as ${who}: nothing found\n${stdout.slice(stdout.indexOf('SUMMARY') - 30)}`);
    return { passed: 1, failed: 0 };
  } catch (error) {
    say(`schemathesis as ${who}:\n${(error as { stdout?: string }).stdout ?? String(error)}`);
    return { passed: 0, failed: 1, failures: [`schemathesis as ${who} found something; it stands above.`] };
  }
}

/** Checks every route of a running shop that has been seeded. */
export async function checkApi(gateway: string, examples = 15): Promise<Tally[]> {
  await install();
  const tallies: Tally[] = [];
  for (const [who, email] of people) tallies.push(await check(gateway, who, email, examples));
  return tallies;
}

/** By itself: `npm run schemathesis`, against a shop of its own, in the folder of the end-to-end suite and so seeded as that is. */
async function main(): Promise<void> {
  await build();
  const cluster = await startCluster({
    directory: testDirectory,
    environment: { gateway: { LOGIN_LIMIT_PER_MINUTE: '100000', RATE_LIMIT_PER_MINUTE: '1000000' } },
    beforeServices: ({ urls }) => seedAll({ urls, scale: 0.02, onProgress: say }),
    onProgress: say,
  });
  try {
    conclude(await checkApi(cluster.urls.gateway, Number(process.argv[2] ?? 15)));
  } finally {
    await cluster.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
