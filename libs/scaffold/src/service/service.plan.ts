import type { Tree } from '@nx/devkit';
import { exportedNames } from '../edits/source.edit.ts';
import { namePattern, pluralOf, singularOf, spellingsOf } from '../names.ts';
import type { Name } from '../names.ts';
import { isReserved } from '../reserved-words.ts';
import { ScaffoldError } from '../scaffold.error.ts';
import { contractModule, contractsIndex, declarationOf, readWorkspace, serviceNames } from '../workspace.ts';
import type { Feature, Workspace } from '../workspace.ts';

export interface ServiceOptions {
  name: string;
  /** What it keeps, in the singular. Default: the name without its plural's ending. */
  entity?: string;
  /** Default true. */
  calls?: boolean;
  /** Default true. */
  database?: boolean;
  http?: boolean;
  jobs?: boolean;
  cache?: boolean;
}

/** A service that may be written: every name in it is free. */
export interface ServicePlan extends Record<Feature, boolean> {
  workspace: Workspace;
  service: Name;
  entity: Name;
  plural: Name;
}

/** Names of processes, databases and roles that a cluster has anyway. */
const ownNames = /^(runner|haproxy|kafka|mail|pgbouncer|prometheus|zipkin|postgres|replicator|template[01]|redis|(session|cache)-redis|.*-exporter|postgres-.*)$/;

/**
 * Decides all names and refuses what cannot be.
 *
 * @returns undefined when this very service is there already
 * @throws ScaffoldError `bad-name`, `bad-options` or `taken-name`
 */
export function planService(tree: Tree, options: ServiceOptions): ServicePlan | undefined {
  const { calls = true, database = true, http = false, jobs = false, cache = false } = options;
  const service = spellingsOf(requireName('A service', options.name));
  const entity = spellingsOf(requireName('What a service keeps', options.entity ?? singularOf(service.kebab)));
  const plural = spellingsOf(pluralOf(entity.kebab));
  const features = { calls, database, http, jobs, cache };
  requireSense(features);
  const plan = { workspace: readWorkspace(tree), service, entity, plural, ...features };

  const known = declarationOf(tree, service.kebab);
  if (known?.scaffold && isSame(known.scaffold, plan)) return undefined;
  if (known?.scaffold) {
    throw new ScaffoldError('taken-name', `${service.kebab} is there already, with other options. Take it out first: npx nx g scaffold:remove-service ${service.kebab}`);
  }
  requireFree(tree, plan);
  return plan;
}

/** @throws ScaffoldError `bad-name` */
export function requireName(what: string, name: string): string {
  if (!namePattern.test(name) || name.length > 40) {
    throw new ScaffoldError('bad-name', `${what} is called by lower-case words with single dashes between, at most 40 characters, such as billing-plans; "${name}" is not.`);
  }
  if (ownNames.test(name)) throw new ScaffoldError('bad-name', `A cluster has something else called ${name}. Choose another name.`);
  return name;
}

function requireSense({ calls, database, http, jobs, cache }: Record<Feature, boolean>): void {
  const refuse = (message: string) => {
    throw new ScaffoldError('bad-options', message);
  };
  if (!calls && !jobs) refuse('A service that neither answers calls nor does jobs does nothing. Give it --calls or --jobs.');
  if (http && !calls) refuse('The gateway reaches a service by calls: --http needs --calls.');
  if (jobs && !database) refuse('Jobs are handed over and done within transactions: --jobs needs --database.');
  if (cache && !(calls && database)) refuse('What is cached is what calls read from the database: --cache needs --calls and --database.');
}

const isSame = (known: { entity: string; features: readonly Feature[] }, plan: ServicePlan): boolean =>
  known.entity === plan.entity.kebab && known.features.join() === featuresOf(plan).join();

export const featuresOf = (plan: Record<Feature, boolean>): Feature[] => (['database', 'calls', 'http', 'jobs', 'cache'] as const).filter((feature) => plan[feature]);

function requireFree(tree: Tree, plan: ServicePlan): void {
  const { service } = plan;
  const refuse = (message: string) => {
    throw new ScaffoldError('taken-name', message);
  };
  if (serviceNames(tree).includes(service.kebab)) refuse(`apps/${service.kebab} is there already. Choose another name.`);
  const paths = [`apps/${service.kebab}`, `libs/contracts/src/${contractModule(service)}`, ...(plan.http ? [`apps/gateway/src/${service.kebab}`] : [])];
  for (const path of paths) if (tree.exists(path)) refuse(`${path} is there already. Choose another name, or move it away.`);

  if (plan.database) requireFreeEntity(tree, plan);
}

/** Decides the names of one more entity of a service; refuses as {@link planService} does. */
export function planEntity(tree: Tree, service: string, name: string, http: boolean): ServicePlan {
  const entity = spellingsOf(requireName('What a service keeps', name));
  const plural = spellingsOf(pluralOf(entity.kebab));
  const plan = { workspace: readWorkspace(tree), service: spellingsOf(service), entity, plural, calls: true, database: true, http, jobs: false, cache: false };
  const folder = `apps/${service}/src/${entity.kebab}`;
  if (tree.exists(folder)) throw new ScaffoldError('taken-name', `${folder} is there already. Choose another name.`);
  requireFreeEntity(tree, plan);
  return plan;
}

function requireFreeEntity(tree: Tree, plan: ServicePlan): void {
  const { service, entity, plural } = plan;
  const refuse = (message: string) => {
    throw new ScaffoldError('taken-name', message);
  };
  for (const word of [entity.camel, plural.camel]) {
    if (isReserved(word)) refuse(`"${word}" means something else in code or SQL. Say what the service keeps: --entity.`);
  }
  const exported = exportedNames(tree, contractsIndex);
  for (const name of exportsOf(plan)) {
    if (exported.has(name) && name !== `${service.camel}Calls`) refuse(`libs/contracts exports ${name} from ${exported.get(name)}. Say what the service keeps by another word: --entity.`);
  }
  const route = `'v1/${plural.kebab}`;
  const controllers = plan.http ? controllersOf(tree) : [];
  if (controllers.some((text) => text.includes(`@Controller(${route}'`) || text.includes(`@Controller(${route}/`))) {
    refuse(`The gateway has routes under /v1/${plural.kebab}. Say what the service keeps by another word: --entity.`);
  }
}

/** Names that the contract adds to those of all others. */
export function exportsOf({ service, entity, calls, database, jobs }: ServicePlan): string[] {
  return [
    ...(calls && database ? [`new${entity.pascal}`, entity.camel] : []),
    ...(calls ? [`${service.camel}Calls`] : []),
    ...(jobs ? [`process${entity.pascal}`] : []),
  ];
}

function controllersOf(tree: Tree): string[] {
  return tree.children('apps/gateway/src').flatMap((folder) =>
    tree.children(`apps/gateway/src/${folder}`).filter((file) => file.endsWith('.controller.ts')).map((file) => tree.read(`apps/gateway/src/${folder}/${file}`, 'utf8') ?? ''),
  );
}
