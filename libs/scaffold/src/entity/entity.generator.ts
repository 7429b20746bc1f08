import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { editJson } from '../edits/json.edit.ts';
import { addBefore, addElement, addFrom, addImport } from '../edits/source.edit.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { planEntity } from '../service/service.plan.ts';
import type { ServicePlan } from '../service/service.plan.ts';
import { substitutionsOf, templates } from '../service/service.generator.ts';
import { contractModule, contractsIndex, gateway, requireRecords } from '../workspace.ts';
import type { ServicePackage } from '../workspace.ts';

export interface EntityOptions {
  service: string;
  /** What it keeps, in the singular. */
  name: string;
}

/**
 * One more entity of a service: table, migration, repository with a keyset list, calls, tests, plans on record, and, where
 * the gateway publishes the service, routes. The same again changes nothing.
 *
 * @throws ScaffoldError `unknown-service`, `bad-name` or `taken-name`
 */
export default function entity(tree: Tree, { service, name }: EntityOptions): GeneratorCallback | undefined {
  const made = requireRecords(tree, service, 'an entity');
  if (name === made.entity || made.entities?.includes(name)) {
    logger.info(`${service} keeps ${name} already; nothing to do.`);
    return undefined;
  }
  const plan = planEntity(tree, service, name, made.features.includes('http'));
  const substitutions = substitutionsOf(plan, String(Date.now()), made.features.includes('jobs'));
  const folders = [...['table', 'records', ...(plan.http ? ['routes'] : [])].map((folder) => join(templates, folder)), join(import.meta.dirname, 'files')];
  for (const folder of folders) generateFiles(tree, folder, '.', substitutions);
  addToContract(tree, plan);
  addToService(tree, plan, substitutions.stamp);
  if (plan.http) addToGateway(tree, plan);
  editJson<ServicePackage>(tree, `apps/${service}/package.json`, ({ nx }) => {
    if (nx.metadata?.scaffold) nx.metadata.scaffold.entities = [...(made.entities ?? []), name];
  });
  return () => {
    rewriteGenerated(tree.root);
    logger.info(`\n${service} keeps ${plan.plural.words} now. Next: npm test -- apps/${service}`);
  };
}

function addToContract(tree: Tree, { service, entity, plural }: ServicePlan): void {
  const path = `libs/contracts/src/${contractModule(service)}`;
  for (const field of ['cursor', 'instant', 'pageLimit', 'pageOf', 'uuid']) addImport(tree, path, './fields.contract.ts', field);
  addBefore(
    tree,
    path,
    `${service.camel}Calls`,
    `export const new${entity.pascal} = z.strictObject({ name: z.string().trim().min(1).max(200) });

export const ${entity.camel} = new${entity.pascal}.extend({ id: uuid, accountId: uuid, createdAt: instant });
export type ${entity.pascal} = z.output<typeof ${entity.camel}>;

`,
  );
  const calls = [
    `create${entity.pascal}: {
    request: z.strictObject({ accountId: uuid, id: uuid, ${entity.camel}: new${entity.pascal} }),
    response: ${entity.camel},
    errors: [],
    idempotent: true,
    statements: 2,
  }`,
    `get${entity.pascal}: { request: z.strictObject({ accountId: uuid, id: uuid }), response: ${entity.camel}, errors: ['not-found'], idempotent: true, statements: 1 }`,
    `list${plural.pascal}: {
    request: z.strictObject({ accountId: uuid, limit: pageLimit.default(20), after: cursor.optional() }),
    response: pageOf(${entity.camel}),
    errors: ['bad-cursor'],
    idempotent: true,
    statements: 1,
  }`,
  ];
  for (const call of calls) addElement(tree, path, { argument: 'defineCalls' }, call);
  const module = `./${contractModule(service)}`;
  for (const exported of [`new${entity.pascal}`, entity.camel]) addElement(tree, contractsIndex, { exported: module }, exported, (other) => other > exported);
  addElement(tree, contractsIndex, { exportedTypes: module }, entity.pascal, (other) => other > entity.pascal);
}

function addToService(tree: Tree, { service, entity, plural }: ServicePlan, stamp: string): void {
  const source = `apps/${service.kebab}/src`;
  const module = `${source}/${service.kebab}.module.ts`;
  for (const [role, suffix] of [['entity', 'Entity'], ['handler', 'Handler'], ['repository', 'Repository']] as const) {
    const path = `./${entity.kebab}/${entity.kebab}.${role}.ts`;
    addFrom(tree, module, path, [`import { ${entity.pascal}${suffix} } from '${path}';`]);
  }
  addElement(tree, module, { property: 'controllers' }, `${entity.pascal}Handler`);
  addElement(tree, module, { property: 'providers' }, `${entity.pascal}Repository`);
  addElement(tree, module, { property: 'entities' }, `${entity.pascal}Entity`);

  const migration = `./${stamp}-create-${plural.kebab}.ts`;
  addFrom(tree, `${source}/migrations/index.ts`, migration, [`import { Create${plural.pascal}${stamp} } from '${migration}';`]);
  addElement(tree, `${source}/migrations/index.ts`, { variable: 'migrations' }, `Create${plural.pascal}${stamp}`);

  const entityPath = `./${entity.kebab}/${entity.kebab}.entity.ts`;
  addFrom(tree, `${source}/entities.spec.ts`, entityPath, [`import { ${entity.pascal}Entity } from '${entityPath}';`]);
  addElement(tree, `${source}/entities.spec.ts`, { argument: 'disagreements' }, `${entity.pascal}Entity`);
}

function addToGateway(tree: Tree, { service, entity }: ServicePlan): void {
  const module = `${gateway}/src/${service.kebab}/${service.kebab}.module.ts`;
  const controller = `./${entity.kebab}.controller.ts`;
  addFrom(tree, module, controller, [`import { ${entity.pascal}Controller } from '${controller}';`]);
  addElement(tree, module, { property: 'controllers' }, `${entity.pascal}Controller`);
}
