// Runs a tool of this repository on a fresh clone: brings in what is missing, then the file named, on Node 24.
// Plain JavaScript without dependencies, since it runs on whatever Node (18 or newer) the machine has.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const wantedMajor = 24;
const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const binaries = join(modules, '.bin');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function installPackages() {
  const stamp = join(modules, '.tenfold-lock');
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('Installing the packages of package-lock.json: npm install\n');
  // Not `npm ci`: it refuses a lockfile made where an optional package of another platform could not be looked up.
  // Warnings are of packages that want Node 24, which is one of those being installed.
  const { status, error } = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (error) fail(`npm could not be run (${error.message}). Install Node.js with npm, then try again.`);
  if (status !== 0) fail('npm install failed; its own message stands above.');
  writeFileSync(stamp, lock);
}

function findNode() {
  const major = (version) => Number(/^v?(\d+)/.exec(version)?.[1] ?? 0);
  if (major(process.version) >= wantedMajor) return process.execPath;
  const packaged = join(binaries, 'node');
  const { stdout } = spawnSync(packaged, ['--version'], { encoding: 'utf8' });
  if (stdout && major(stdout) >= wantedMajor) return packaged;
  return fail(
    `Node ${wantedMajor} or newer is needed; this is ${process.version}, and no packaged one fits ${process.platform} ${process.arch}. ` +
      `Install Node ${wantedMajor} and try again.`,
  );
}

/** npm hands signals on, but a SIGKILL of npm reaches nobody: then it is as if npm had been told to end. */
function endWithNpm() {
  if (!process.env.npm_lifecycle_event) return;
  // npm starts a shell, and the shell starts us, or becomes us.
  const ancestor = spawnSync('ps', ['-o', 'ppid=', '-p', String(process.ppid)], { encoding: 'utf8' }).stdout;
  const watched = [process.ppid, Number(ancestor)].filter((pid) => pid > 1);
  setInterval(() => {
    if (!watched.every(isAlive)) child.kill('SIGTERM');
  }, 1_000).unref();
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const [file, ...rest] = process.argv.slice(2);
if (!file) fail('usage: node scripts/run.mjs <file.ts> [arguments]');

installPackages();
const node = findNode();
// kafkajs arms a timer with a negative delay when it connects; the services are cured of it, the tools need not be.
const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];
const child = spawn(node, [...quiet, join(root, file), ...rest], {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: [binaries, dirname(node), process.env.PATH].join(delimiter),
    // A child that starts a cluster watches this process, which it must not outlive.
    TENFOLD_STARTED_BY: String(process.pid),
  },
});
// A terminal's Ctrl-C reaches the child by itself; without a terminal it came from npm alone and is handed on.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
endWithNpm();
child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
