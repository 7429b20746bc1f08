import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { linkPackages } from './workspace/linked-packages.ts';

/** By which stamps and settings of this workspace are called. */
const workspaceName = 'tenfold';
const kafkaJars = 'infra/kafka/lib';
const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface WorkspaceCopy {
  directory: string;
  /** Runs a command of a shell in it; throws with all that it printed when it fails. */
  run(command: string): string;
  remove(): void;
}

/**
 * A copy of this workspace in a folder of its own, as a git repository whose checkout is clean: all files that git knows
 * or would add. Packages of others and Kafka are links to ours; those of the workspace are the copy's own.
 */
export function copyWorkspace(): WorkspaceCopy {
  const directory = mkdtempSync(join(tmpdir(), 'tenfold-copy-'));
  for (const file of git(root, 'ls-files', '--cached', '--others', '--exclude-standard', '-z').split('\0').filter(Boolean)) {
    if (!existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    cpSync(join(root, file), join(directory, file));
  }
  git(directory, 'init', '--quiet');
  git(directory, 'add', '--all');
  git(directory, '-c', 'user.name=test', '-c', 'user.email=test@localhost', 'commit', '--quiet', '--message', 'As it was');
  return copyAt(directory, workspaceName);
}

/** What {@link copyWorkspace} gives, of a repository that has no packages yet. */
export function copyAt(directory: string, name: string): WorkspaceCopy {
  linkPackages(root, directory);
  // Fetched and prepared once is enough.
  mkdirSync(join(root, kafkaJars), { recursive: true });
  symlinkSync(join(root, kafkaJars), join(directory, kafkaJars));
  // What is ignored are folders of those names, not links.
  appendFileSync(join(directory, '.git/info/exclude'), `node_modules\n${kafkaJars}\n`);
  return {
    directory,
    run(command) {
      markInstalled(directory, name);
      return runIn(directory, command);
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 100_000_000 });

/** Tells `scripts/run.mjs` that the packages of this lockfile are there: a generator adds none. */
function markInstalled(directory: string, name: string): void {
  const lock = createHash('sha256').update(readFileSync(join(directory, 'package-lock.json'))).digest('hex');
  writeFileSync(join(directory, `node_modules/.${name}-lock`), lock);
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
