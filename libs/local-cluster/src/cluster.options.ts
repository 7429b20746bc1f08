import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClusterError } from './cluster.error.ts';
import type { Cluster } from './cluster.handle.ts';
import { componentNames, extraNames } from './components/component-names.ts';
import type { ComponentName, ExtraName } from './components/component-names.ts';
import { maximumReplicas } from './ports.ts';
import type { ServiceDeclaration } from './service-declaration.ts';

/** Root of the checkout. */
export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** What to start, and where. */
export interface ClusterOptions {
  /** Data folder, relative to the checkout. Default the environment's `TENFOLD_DIRECTORY`, else `.tenfold/default`. */
  directory?: string;
  /** Replicas of each service; those not named are not started. Default `all`: two replicas of each. */
  services?: Readonly<Record<string, number>> | 'all' | 'none';
  /** Default `all`. Fewer are for tests that need no more; a service whose component is absent starts degraded. */
  components?: readonly ComponentName[] | 'all';
  /** What is to run beside the system, e.g. `['metrics']`. Default nothing, which installs and costs nothing. */
  with?: readonly ExtraName[];
  /** Runs when databases and topics are ready, before services start: the moment to seed. */
  beforeServices?: (cluster: Cluster) => Promise<void>;
  /** Settings for services beside the cluster's own, by service name or `*` for all; they win. */
  environment?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Whether programs that are missing may be installed. Default true. */
  install?: boolean;
  /** First port of a fixed range; see `Ports`. Default the environment's `TENFOLD_PORT_BASE`, else free ports are picked. */
  portBase?: number;
  /** Ends the start, and stops what was started by then. */
  signal?: AbortSignal;
  /** Called with a line for each step of the start. */
  onProgress?: (line: string) => void;
  /** Folder with one folder for each service, whose package.json declares it. Default `apps`. */
  appsDirectory?: string;
  /** Folder with the bundles of each service. Default `dist/apps`, built when it is out of date; another one is used as it is. */
  bundlesDirectory?: string;
}

/** The cluster's data folder as an absolute path. */
export function clusterDirectory(directory = process.env['TENFOLD_DIRECTORY'] ?? '.tenfold/default'): string {
  return isAbsolute(directory) ? directory : join(root, directory);
}

/** @throws ClusterError `bad-option` */
export function portBaseOf(option: number | undefined): number | undefined {
  const text = process.env['TENFOLD_PORT_BASE'];
  const base = option ?? (text ? Number(text) : undefined);
  if (base === undefined) return undefined;
  if (Number.isInteger(base) && base >= 1024 && base <= 65_000) return base;
  throw new ClusterError('bad-option', `TENFOLD_PORT_BASE must be a port from 1024 to 65000, not "${text ?? option}"`);
}

/** @throws ClusterError `bad-option` naming the component that is unknown */
export function componentsOf(option: ClusterOptions['components'] = 'all'): readonly ComponentName[] {
  if (option === 'all') return componentNames;
  for (const name of option) {
    if (!componentNames.includes(name)) throw new ClusterError('bad-option', `There is no component "${name}"; there are ${componentNames.join(', ')}`);
  }
  return option;
}

/** @throws ClusterError `bad-option` naming the extra that is unknown */
export function extrasOf(option: ClusterOptions['with'] = []): ReadonlySet<ExtraName> {
  for (const name of option) {
    if (!extraNames.includes(name)) throw new ClusterError('bad-option', `There is no "${name}" to start with; there is ${extraNames.join(', ')}`);
  }
  return new Set(option);
}

/** @throws ClusterError `bad-option` naming the service that is unknown or the number that has no meaning */
export function replicasOf(option: ClusterOptions['services'] = 'all', declarations: readonly ServiceDeclaration[]): Map<ServiceDeclaration, number> {
  if (option === 'none') return new Map();
  if (option === 'all') return new Map(declarations.map((declaration) => [declaration, 2]));
  return new Map(
    Object.entries(option).map(([name, replicas]) => {
      const declaration = declarations.find((declaration) => declaration.name === name);
      if (!declaration) {
        throw new ClusterError('bad-option', `There is no service "${name}"; there are ${declarations.map((declaration) => declaration.name).join(', ') || 'none'}`);
      }
      return [declaration, checkedReplicas(name, replicas)];
    }),
  );
}

/** @throws ClusterError `bad-option` */
export function checkedReplicas(service: string, replicas: number): number {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= maximumReplicas) return replicas;
  throw new ClusterError('bad-option', `${service} can have 0 to ${maximumReplicas} replicas, not ${replicas}`);
}

/** @throws ClusterError `bad-option` when a service that is to be started was not built */
export function requireBundles(bundles: string, services: Iterable<ServiceDeclaration>): void {
  for (const { name } of services) {
    const file = join(bundles, name, 'main.js');
    if (!existsSync(file)) throw new ClusterError('bad-option', `${file} is missing: build ${name} first (npm run build)`);
  }
}
