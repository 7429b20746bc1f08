import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { ClusterError } from '../cluster.error.ts';
import { runCommand } from '../command.ts';
import type { Watchdog } from '../watchdog.ts';
import type { ComponentName, ExtraName } from '../components/component-names.ts';
import { findPrograms, programsOf } from './programs.ts';
import type { Program } from './programs.ts';

interface InstallOptions {
  /** Whether missing programs may be installed. */
  install: boolean;
  watchdog: Watchdog;
  signal: AbortSignal | undefined;
  progress(line: string): void;
}

/** Tells maintainer scripts not to start what was installed (Debian policy 9.3.3.1); 101 is "forbidden". */
const policyFile = '/usr/sbin/policy-rc.d';
/** Keeps PostgreSQL's package from making a data folder and a service of its own. */
const createClusterFolder = '/etc/postgresql-common/createcluster.d';
const systemServices = [
  'postgresql',
  'pgbouncer',
  'redis-server',
  'haproxy',
  'prometheus',
  'prometheus-postgres-exporter',
  'prometheus-redis-exporter',
];

/**
 * Finds every program that the components run, and installs what is missing by the system's own package client.
 *
 * @returns where each program lies
 * @throws ClusterError `missing-programs`, naming all that is missing and the exact commands, before anything is started
 */
export async function requirePrograms(components: readonly (ComponentName | ExtraName)[], options: InstallOptions): Promise<Map<string, string>> {
  const programs = programsOf(components);
  const found = findPrograms(programs);
  const missing = programs.filter(({ name, brew }) => !found.has(name) && (brew !== undefined || process.platform !== 'darwin'));
  if (missing.length === 0) return found;

  const commands = installCommands(missing);
  if (!options.install || !commands.possible) throw missingError(missing, commands.lines, options.install);
  options.progress(`missing: ${namesOf(missing)}; about to install:`);
  for (const line of commands.lines) options.progress(`  ${line}`);
  await commands.run(options);

  const after = findPrograms(programs);
  const still = missing.filter(({ name }) => !after.has(name));
  if (still.length > 0) throw missingError(still, installCommands(still).lines, true);
  return after;
}

interface InstallCommands {
  /** What a person would type. */
  lines: string[];
  /** Whether we can run them ourselves. */
  possible: boolean;
  run(options: InstallOptions): Promise<void>;
}

function installCommands(missing: readonly Program[]): InstallCommands {
  const packages = (client: 'apt' | 'brew') => [...new Set(missing.flatMap((program) => program[client] ?? []))];
  if (process.platform === 'darwin') {
    const brew = packages('brew');
    return {
      lines: [`brew install ${brew.join(' ')}`],
      possible: ['/opt/homebrew/bin/brew', '/usr/local/bin/brew'].some((path) => existsSync(path)),
      run: (options) => show('brew', ['install', ...brew], {}, options),
    };
  }
  const apt = packages('apt');
  const isRoot = process.getuid?.() === 0;
  const sudo = isRoot ? '' : 'sudo ';
  return {
    lines: [`${sudo}apt-get update`, `${sudo}apt-get install -y --no-install-recommends ${apt.join(' ')}`],
    possible: isRoot && existsSync('/usr/bin/apt-get'),
    run: (options) => installByApt(apt, options),
  };
}

/** Installs without starting a service, now or at the next boot; what was there before is left alone. */
async function installByApt(packages: readonly string[], options: InstallOptions): Promise<void> {
  const undo: (() => void)[] = [];
  const putFile = (file: string, text: string, mode: number) => {
    if (existsSync(file)) return;
    writeFileSync(file, text, { mode });
    undo.push(() => rmSync(file, { force: true }));
  };
  const before = new Set(systemServices.filter(hasSystemService));
  try {
    putFile(policyFile, '#!/bin/sh\nexit 101\n', 0o755);
    mkdirSync(createClusterFolder, { recursive: true });
    putFile(`${createClusterFolder}/tenfold.conf`, 'create_main_cluster = false\n', 0o644);
    const environment = { DEBIAN_FRONTEND: 'noninteractive' };
    await show('apt-get', ['update', '-q'], environment, options);
    await show('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], environment, options);
  } finally {
    for (const step of undo) step();
  }
  const added = systemServices.filter((service) => !before.has(service) && hasSystemService(service));
  if (added.length === 0 || !existsSync('/run/systemd/system')) return;
  options.progress(`  systemctl disable ${added.join(' ')}`);
  await show('systemctl', ['disable', '--quiet', ...added], {}, options);
}

function hasSystemService(service: string): boolean {
  return ['/lib/systemd/system', '/usr/lib/systemd/system'].some((folder) => existsSync(`${folder}/${service}.service`));
}

async function show(command: string, args: readonly string[], environment: Record<string, string>, options: InstallOptions): Promise<void> {
  const { watchdog, signal, progress } = options;
  await runCommand(command, args, {
    purpose: 'Installing what is missing',
    // Package clients need the proxies and certificates that the machine's environment names.
    environment: { ...(process.env as Record<string, string>), ...environment },
    watchdog,
    signal,
    // Of what they write, one line for each package tells enough; a failure shows the last lines.
    onLine: (line) => /^(Setting up|==> Pouring) /.test(line) && progress(`    ${line}`),
  });
}

const namesOf = (programs: readonly Program[]) =>
  programs.map(({ name, version }) => (version ? `${name} (${version.least} or newer)` : name)).join(', ');

function missingError(missing: readonly Program[], lines: readonly string[], mayInstall: boolean): ClusterError {
  const why = mayInstall ? 'It cannot be installed from here' : 'Installing is switched off';
  return new ClusterError('missing-programs', `Missing: ${namesOf(missing)}. ${why}; run:\n${lines.map((line) => `    ${line}`).join('\n')}`);
}
