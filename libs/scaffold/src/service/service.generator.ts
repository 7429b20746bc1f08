import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { withArticle } from '../names.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { addManifests } from './service.manifests.ts';
import { addPackage } from './service.package.ts';
import { planService } from './service.plan.ts';
import type { ServiceOptions, ServicePlan } from './service.plan.ts';
import { register } from './service.registration.ts';

/** Where the parts lie that a service is made of. */
export const templates = join(import.meta.dirname, 'files');

/** Of the first migration; a service has a database of its own, so it need not differ from others'. */
const stamp = '1764000000000';

/** Writes a new service: everything or, when it refuses, nothing. The same again changes nothing. */
export default function service(tree: Tree, options: ServiceOptions): GeneratorCallback | undefined {
  const plan = planService(tree, options);
  if (!plan) {
    logger.info(`${options.name} is there already; nothing to do.`);
    return undefined;
  }
  const substitutions = substitutionsOf(plan, stamp);
  for (const folder of foldersOf(plan)) generateFiles(tree, join(templates, folder), '.', substitutions);
  addPackage(tree, plan);
  register(tree, plan);
  const notes = addManifests(tree, plan);
  return () => {
    rewriteGenerated(tree.root);
    for (const note of notes) logger.info(note);
    logger.info(`\n${plan.service.kebab} is a service now. Next: npm test -- apps/${plan.service.kebab}, then npm run cluster -- up`);
  };
}

/** Which of the folders of templates a service is made of. */
function foldersOf({ calls, database, http, jobs, cache }: ServicePlan): string[] {
  return [
    'app',
    'contract',
    ...(calls ? ['calls', 'alerts'] : ['jobs-only']),
    ...(database ? ['database', 'table'] : ['replica']),
    ...(calls && database ? ['records'] : []),
    ...(jobs ? ['jobs'] : []),
    ...(cache ? ['cache'] : []),
    ...(http ? ['http', ...(database ? ['routes', 'http-records'] : ['http-replica'])] : []),
  ];
}

/**
 * What the templates are filled with.
 *
 * @param stamp time of the migration
 * @param hasJobs whether the service handles any, if not for this entity
 */
export function substitutionsOf(plan: ServicePlan, stamp: string, hasJobs = plan.jobs) {
  const { service, entity, plural, workspace, calls, database, http, jobs, cache } = plan;
  const routes = database ? entity : service;
  const facts = [
    ...(database ? [`Keeps ${plural.words} in a PostgreSQL database of its own.`] : []),
    ...(calls ? ['Answers calls.'] : []),
    ...(jobs ? [`Hands the work on each to Kafka, in the transaction that adds ${withArticle(entity.words)}, and does it.`] : []),
    ...(cache ? ['Reads by id go through the two-level cache.'] : []),
    ...(http ? [`The gateway publishes it as \`/v1/${database ? plural.kebab : service.kebab}\`.`] : []),
  ];
  return {
    service,
    entity,
    plural,
    routes,
    calls,
    database,
    http,
    jobs,
    hasJobs,
    cache,
    facts,
    stamp,
    withArticle,
    scope: workspace.scope,
    firstCall: database ? `create${entity.pascal}` : 'getReplica',
    capital: (words: string) => words.charAt(0).toUpperCase() + words.slice(1),
    // Of the names of files and folders.
    serviceName: service.kebab,
    entityName: entity.kebab,
    pluralName: plural.kebab,
    routesName: routes.kebab,
  };
}
