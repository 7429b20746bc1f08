import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoadtestError } from '../loadtest/loadtest.error.ts';

/** Version that is built, and of the image. */
const version = '1.8.1';
/** Older ones do not know all of what the script asks for. */
const oldestMajor = 1;
const image = `grafana/k6:${version}`;
const goPackage = `go.k6.io/k6@v${version}`;

/** How k6 is started: the program, and what stands before k6's own arguments. */
export interface K6Program {
  command: string;
  prefix: readonly string[];
  /** For the record, e.g. `k6 v1.8.1`. */
  version: string;
  /** Name of the container in which it will run, where the process that is started is not k6 itself. */
  container?: string;
}

export interface FindK6Options {
  /** Root of the checkout; k6 is built into its `.tenfold/bin`. */
  root: string;
  /** Whether it may be built, or its image pulled. */
  install: boolean;
  onProgress: (line: string) => void;
}

/** What a way to k6 came to: the program, or why there is none. */
type Found = K6Program | string;

/**
 * k6 on PATH, else one built earlier, else one built now by Go, else the image of a Docker that is there.
 *
 * @throws LoadtestError `no-k6`: what was looked at, and what can be done
 */
export function findK6(options: FindK6Options): K6Program {
  const folder = join(options.root, '.tenfold', 'bin');
  const ways: [name: string, look: () => Found][] = [
    ['k6 on PATH', () => programAt('k6')],
    [join(folder, 'k6'), () => programAt(join(folder, 'k6'))],
    ['built by Go', () => builtByGo(folder, options)],
    [`Docker's ${image}`, () => ofDocker(options)],
  ];
  const reasons: string[] = [];
  for (const [name, look] of ways) {
    const found = look();
    if (typeof found !== 'string') return found;
    reasons.push(`  ${name}: ${found}`);
  }
  throw new LoadtestError(
    'no-k6',
    [
      'Load tests need k6, and there is none:',
      ...reasons,
      'One of these helps:',
      '  install k6: https://grafana.com/docs/k6/latest/set-up/install-k6/',
      `  install Go 1.24 or newer, then: GOBIN=${folder} go install ${goPackage}`,
      `  start Docker, then: docker pull ${image}`,
    ].join('\n'),
  );
}

function programAt(command: string): Found {
  const { stdout, error } = spawnSync(command, ['version'], { encoding: 'utf8' });
  if (error) return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : error.message;
  const [name, major] = /^k6 v(\d+)[\d.]*/.exec(stdout) ?? [];
  if (name === undefined) return 'does not say which version it is';
  return Number(major) < oldestMajor ? `${name} is too old, ${oldestMajor}.0 or newer is needed` : { command, prefix: [], version: name };
}

function builtByGo(folder: string, { install, onProgress }: FindK6Options): Found {
  if (!install) return 'not tried, --no-install';
  if (!works('go', ['version'])) return 'no go on PATH';
  onProgress(`building k6 ${version} once, some minutes of CPU: GOBIN=${folder} go install ${goPackage}`);
  const { status } = spawnSync('go', ['install', goPackage], { stdio: ['ignore', 2, 2], env: { ...process.env, GOBIN: folder } });
  const built = join(folder, 'k6');
  return status === 0 && existsSync(built) ? programAt(built) : `go install failed with ${status}; its own words stand above`;
}

/** The host's network, since the shop listens on loopback, and the same paths inside, as the same user. */
function ofDocker({ root, install, onProgress }: FindK6Options): Found {
  // A daemon that does not answer must not hold up everything.
  if (!works('docker', ['info'])) return 'no Docker runs';
  if (!works('docker', ['image', 'inspect', image])) {
    if (!install) return 'the image is not here, and --no-install forbids to pull it';
    onProgress(`pulling ${image}`);
    if (spawnSync('docker', ['pull', image], { stdio: ['ignore', 2, 2] }).status !== 0) return 'docker pull failed; its own words stand above';
  }
  const container = `tenfold-k6-${process.pid}`;
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  const environment = ['SETTINGS', 'K6_WEB_DASHBOARD', 'K6_WEB_DASHBOARD_EXPORT', 'K6_WEB_DASHBOARD_PORT', 'K6_WEB_DASHBOARD_PERIOD'].flatMap((name) => ['-e', name]);
  return {
    command: 'docker',
    prefix: ['run', '--rm', '--name', container, '--network=host', '--user', user, '-v', `${root}:${root}`, ...environment, image],
    version: `k6 v${version} (Docker)`,
    container,
  };
}

/** The process that is k6, once it runs; undefined when this machine cannot see it, as where Docker has one of its own. */
export function k6ProcessOf({ container }: K6Program, started: number | undefined): number | undefined {
  if (container === undefined) return started;
  const { stdout } = spawnSync('docker', ['inspect', '--format', '{{.State.Pid}}', container], { encoding: 'utf8', timeout: 5000 });
  const pid = Number.parseInt(stdout ?? '', 10);
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'k6' ? pid : undefined;
  } catch {
    return undefined;
  }
}

function works(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 5000 }).status === 0;
}
