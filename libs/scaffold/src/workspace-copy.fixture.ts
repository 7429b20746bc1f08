import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface WorkspaceCopy {
  directory: string;
  /** Runs a command of a shell in it; throws with all that it printed when it fails. */
  run(command: string): string;
  remove(): void;
}

/**
 * A copy of this workspace in a folder of its own, as a git repository whose checkout is clean: all files that git knows
 * or would add. Packages of others are links to ours; those of the workspace are the copy's own.
 */
export function copyWorkspace(): WorkspaceCopy {
  const directory = mkdtempSync(join(tmpdir(), 'tenfold-copy-'));
  for (const file of git(root, 'ls-files', '--cached', '--others', '--exclude-standard', '-z').split('\0').filter(Boolean)) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    cpSync(join(root, file), join(directory, file));
  }
  linkPackages(directory);
  git(directory, 'init', '--quiet');
  git(directory, 'add', '--all');
  git(directory, '-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message', 'As it was');
  return {
    directory,
    run(command) {
      markInstalled(directory);
      return runIn(directory, command);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 100_000_000 });

function linkPackages(directory: string): void {
  const link = (folder: string, name: string) => symlinkSync(join(root, folder, name), join(directory, folder, name));
  const ours = new Set(readdirSync(join(root, 'libs')).concat(readdirSync(join(root, 'apps')), 'benchmarks', 'loadtests'));
  const { name: rootName } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string };
  const [scope = ''] = rootName.split('/');
  mkdirSync(join(directory, 'node_modules', scope), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== scope && name !== 'scaffold' && name !== '.tenfold-lock' && name !== '.package-lock.json') link('node_modules', name);
  }
  symlinkSync('../libs/scaffold', join(directory, 'node_modules/scaffold'));
  for (const name of ours) {
    const folder = ['libs', 'apps', '.'].find((parent) => existsSync(join(root, parent, name, 'package.json')));
    if (folder !== undefined) symlinkSync(join('../..', folder, name), join(directory, 'node_modules', scope, name));
    // Versions that only this package has.
    if (folder !== undefined && existsSync(join(root, folder, name, 'node_modules'))) link(join(folder, name), 'node_modules');
  }
}

/** Tells `scripts/run.mjs` that the packages of this lockfile are there: a generator adds none. */
function markInstalled(directory: string): void {
  const lock = createHash('sha256').update(readFileSync(join(directory, 'package-lock.json'))).digest('hex');
  writeFileSync(join(directory, 'node_modules/.tenfold-lock'), lock);
}

function runIn(cwd: string, command: string): string {
  const { TENFOLD_TEST_SERVERS: _servers, VITEST: _vitest, NODE_ENV: _environment, ...environment } = process.env;
  const env = { ...environment, NX_DAEMON: 'false', PATH: [join(cwd, 'node_modules/.bin'), dirname(process.execPath), environment['PATH']].join(delimiter) };
  try {
    const output = execFileSync('bash', ['-c', `${command} 2>&1`], { cwd, env, encoding: 'utf8', maxBuffer: 100_000_000, stdio: ['ignore', 'pipe', 'inherit'] });
    // Where CI is set, some tools colour what they print into a pipe.
    return stripVTControlCharacters(output);
  } catch (error) {
    throw new Error(`${command}\n${(error as { stdout?: string }).stdout ?? ''}`, { cause: error });
  }
}
