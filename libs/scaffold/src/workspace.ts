import { readJson } from '@nx/devkit';
import type { Tree } from '@nx/devkit';
import type { Name } from './names.ts';
import { ScaffoldError } from './scaffold.error.ts';

/** What a service can have. */
export type Feature = 'calls' | 'database' | 'http' | 'jobs' | 'cache';

/** The `package.json` of a service, as far as generators read it. */
export interface ServicePackage {
  name: string;
  version: string;
  nx: { metadata?: { scaffold?: Scaffolded } };
  tenfold: { ports: string[]; database?: string; uses: string[]; calls: string[] };
  dependencies: Record<string, string>;
}

/** How a service was made, kept in its `package.json`, so that it can be taken out again. */
export interface Scaffolded {
  entity: string;
  features: Feature[];
  /** What was added to it later, by `entity`. */
  entities?: string[];
}

export interface Workspace {
  /** What its packages are called by: `@tenfold`. */
  scope: string;
  /** Version ranges of packages that a service depends on, the same as those of the others. */
  versions: Readonly<Record<string, string>>;
}

export const gateway = 'apps/gateway';
export const contractsIndex = 'libs/contracts/src/index.ts';
export const contractModule = (service: Name) => `${service.kebab}.contract.ts`;

export function readWorkspace(tree: Tree): Workspace {
  const dependenciesOf = (path: string) => readJson<Partial<ServicePackage>>(tree, path).dependencies ?? {};
  return {
    scope: readJson<{ name: string }>(tree, 'package.json').name.split('/')[0] ?? '',
    versions: { ...dependenciesOf('package.json'), ...dependenciesOf('libs/contracts/package.json'), ...dependenciesOf(`${gateway}/package.json`) },
  };
}

/** Folders of `apps/` that are services. */
export function serviceNames(tree: Tree): string[] {
  return tree.children('apps').filter((name) => tree.exists(`apps/${name}/package.json`));
}

export function packageOf(tree: Tree, service: string): ServicePackage {
  return readJson<ServicePackage>(tree, `apps/${service}/package.json`);
}

/** What is known of a service; undefined when there is none of the name. */
export function declarationOf(tree: Tree, service: string): { scaffold: Scaffolded | undefined } | undefined {
  return serviceNames(tree).includes(service) ? { scaffold: packageOf(tree, service).nx.metadata?.scaffold } : undefined;
}

/** @throws ScaffoldError `unknown-service` when `service` did not make it */
export function requireMade(tree: Tree, service: string): Scaffolded {
  const made = declarationOf(tree, service)?.scaffold;
  if (!made) throw new ScaffoldError('unknown-service', `There is no service ${service} that scaffold:service made.`);
  return made;
}

/**
 * How a service that answers calls from its database was made.
 *
 * @param what needs both
 * @throws ScaffoldError `unknown-service` or `bad-options`
 */
export function requireRecords(tree: Tree, service: string, what: string): Scaffolded {
  const made = requireMade(tree, service);
  if (!made.features.includes('calls') || !made.features.includes('database')) {
    throw new ScaffoldError('bad-options', `${service} was made without ${made.features.includes('calls') ? 'a database' : 'calls'}; ${what} needs both.`);
  }
  return made;
}

/**
 * Which of the entities of a service is meant.
 *
 * @param name default the first one
 * @throws ScaffoldError `unknown-entity`
 */
export function requireEntity(service: string, made: Scaffolded, name = made.entity): string {
  const known = [made.entity, ...(made.entities ?? [])];
  if (!known.includes(name)) throw new ScaffoldError('unknown-entity', `${service} keeps no ${name}. It keeps ${known.join(', ')}.`);
  return name;
}
