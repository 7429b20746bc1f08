import { accessSync, constants, existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ComponentName, ExtraName } from '../components/component-names.ts';

/** A program that a component runs, and the packages that bring it. */
export interface Program {
  name: string;
  apt: string;
  /** Absent where Homebrew has none: what needs the program is then left out on macOS. */
  brew?: string;
  /** Folders beside PATH where it may lie, the preferred one first; patterns are allowed. */
  folders?: readonly string[];
  /** Oldest version that will do, where an older one is common. */
  version?: { least: number; of(path: string): number | undefined };
}

const postgresql = {
  apt: 'postgresql',
  brew: 'postgresql@17',
  folders: ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin', '/usr/local/opt/postgresql@*/bin'],
  version: { least: 15, of: (path: string) => Number(/postgresql[@/](\d+)/.exec(realpathSync(path))?.[1] ?? Number.NaN) },
};

/** Java's version without the cost of starting it: each runtime has a file that says it. */
function javaVersion(path: string): number | undefined {
  const release = join(realpathSync(path), '../../release');
  if (!existsSync(release)) return undefined;
  const version = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1];
  return version === undefined ? undefined : Number(version);
}

const java: readonly Program[] = [
  {
    name: 'java',
    apt: 'default-jre-headless',
    brew: 'openjdk@21',
    folders: ['/usr/lib/jvm/*/bin', '/opt/homebrew/opt/openjdk*/bin', '/usr/local/opt/openjdk*/bin'],
    version: { least: 17, of: javaVersion },
  },
  { name: 'mvn', apt: 'maven', brew: 'maven' },
];

const needs: Readonly<Record<ComponentName | ExtraName, readonly Program[]>> = {
  postgresql: ['postgres', 'initdb', 'pg_basebackup'].map((name) => ({ name, ...postgresql })),
  pgbouncer: [{ name: 'pgbouncer', apt: 'pgbouncer', brew: 'pgbouncer' }],
  'session-redis': [{ name: 'redis-server', apt: 'redis-server', brew: 'redis' }],
  'cache-redis': [{ name: 'redis-server', apt: 'redis-server', brew: 'redis' }],
  kafka: java,
  mail: [],
  haproxy: [{ name: 'haproxy', apt: 'haproxy', brew: 'haproxy' }],
  traces: java,
  metrics: [
    ...['prometheus', 'promtool'].map((name) => ({ name, apt: 'prometheus', brew: 'prometheus' })),
    ...['postgres', 'redis'].map((server) => ({ name: `prometheus-${server}-exporter`, apt: `prometheus-${server}-exporter` })),
  ],
};

const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/opt/homebrew/bin', '/opt/homebrew/sbin'];

/** The programs that these components run, each once. */
export function programsOf(components: readonly (ComponentName | ExtraName)[]): Program[] {
  const programs = components.flatMap((component) => needs[component]);
  return [...new Map(programs.map((program) => [program.name, program])).values()];
}

/** Where each program lies; those that are missing or too old are absent. */
export function findPrograms(programs: readonly Program[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const program of programs) {
    const path = find(program);
    if (path !== undefined) found.set(program.name, path);
  }
  return found;
}

function find({ name, folders = [], version }: Program): string | undefined {
  const own = folders.flatMap((folder) => globSync(folder).sort((a, b) => b.localeCompare(a, 'en', { numeric: true })));
  const candidates = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...own, ...systemFolders].map((folder) => join(folder, name));
  return candidates.find((path) => {
    if (!isExecutable(path)) return false;
    const made = version?.of(path);
    return version === undefined || made === undefined || Number.isNaN(made) || made >= version.least;
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
