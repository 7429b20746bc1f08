import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LoadtestError } from '../loadtest/loadtest.error.ts';

/** Version that is built, and of the image; older ones than 1.0 do not run TypeScript's output as it is. */
const version = '1.8.1';

/** How k6 is started: the program, and what stands before k6's own arguments. */
export interface K6Program {
  command: string;
  prefix: readonly string[];
  /** For the record, e.g. `k6 v1.8.1`. */
  version: string;
}

export interface FindK6Options {
  /** Root of the checkout; k6 is built into its `.tenfold/bin`. */
  root: string;
  /** Whether it may be built. */
  install: boolean;
  onProgress: (line: string) => void;
}

/**
 * k6 on PATH, else one built earlier, else one built now by Go, else the image of a Docker that is there.
 *
 * @throws LoadtestError `no-k6` saying what can be done
 */
export function findK6({ root, install, onProgress }: FindK6Options): K6Program {
  const folder = join(root, '.tenfold', 'bin');
  const built = join(folder, 'k6');
  const found = ofProgram('k6') ?? ofProgram(built);
  if (found) return found;
  if (install && works('go', ['version'])) {
    onProgress(`building k6 ${version} once, some minutes of CPU: GOBIN=${folder} go install go.k6.io/k6@v${version}`);
    const { status } = spawnSync('go', ['install', `go.k6.io/k6@v${version}`], { stdio: ['ignore', 2, 2], env: { ...process.env, GOBIN: folder } });
    const k6 = status === 0 && existsSync(built) ? ofProgram(built) : undefined;
    if (k6) return k6;
  }
  if (works('docker', ['info'])) return ofDocker(root);
  throw new LoadtestError(
    'no-k6',
    [
      `k6 is not on PATH, ${install ? 'could not be built, and no Docker runs' : 'no Docker runs, and --no-install forbids to build it'}. One of these helps:`,
      '  install k6: https://grafana.com/docs/k6/latest/set-up/install-k6/',
      `  install Go 1.24 or newer, then: GOBIN=${folder} go install go.k6.io/k6@v${version}`,
      '  start Docker',
    ].join('\n'),
  );
}

function ofProgram(command: string): K6Program | undefined {
  const { stdout } = spawnSync(command, ['version'], { encoding: 'utf8' });
  const [name] = /^k6 v[\d.]+/.exec(stdout ?? '') ?? [];
  return name === undefined ? undefined : { command, prefix: [], version: name };
}

/** The host's network, since the shop listens on loopback, and the same paths inside, as the same user. */
function ofDocker(root: string): K6Program {
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const environment = ['SETTINGS', 'K6_WEB_DASHBOARD', 'K6_WEB_DASHBOARD_EXPORT', 'K6_WEB_DASHBOARD_PORT', 'K6_WEB_DASHBOARD_PERIOD'].flatMap((name) => ['-e', name]);
  return {
    command: 'docker',
    prefix: ['run', '--rm', '--network=host', '--user', user, '-v', `${root}:${root}`, ...environment, `grafana/k6:${version}`],
    version: `k6 v${version} (Docker)`,
  };
}

function works(command: string, args: readonly string[]): boolean {
  // A daemon that does not answer must not hold up everything.
  return spawnSync(command, args, { stdio: 'ignore', timeout: 5000, env: { ...process.env, PATH: process.env['PATH'] ?? ['/usr/local/bin', '/usr/bin'].join(delimiter) } }).status === 0;
}
