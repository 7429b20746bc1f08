import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { addElement, addFrom, addImport, elementsIn, exportedNames } from '../edits/source.edit.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { pluralOf, spellingsOf } from '../names.ts';
import type { Name } from '../names.ts';
import { isReserved } from '../reserved-words.ts';
import { ScaffoldError } from '../scaffold.error.ts';
import { requireName } from '../service/service.plan.ts';
import { contractModule, contractsIndex, readWorkspace, requireEntity, requireMade } from '../workspace.ts';
import type { Scaffolded } from '../workspace.ts';

export interface CallOptions {
  service: string;
  /** What it does, such as `price-payment`. */
  name: string;
  /** What it is about, in the singular. Default: what the service was made with. */
  entity?: string;
}

interface CallPlan {
  service: Name;
  call: Name;
  /** Undefined where the service keeps nothing. */
  entity: Name | undefined;
  contract: string;
  handler: string;
}

/**
 * One more call of a service: its place in the contract, a handler that answers with what the caller names, a test over
 * the real transport; record and docs follow from the contract. The same again changes nothing.
 *
 * @throws ScaffoldError `unknown-service`, `bad-options`, `unknown-entity`, `bad-name` or `taken-name`
 */
export default function call(tree: Tree, options: CallOptions): GeneratorCallback | undefined {
  const made = requireMade(tree, options.service);
  const plan = planCall(made, options);
  const { service, entity } = plan;
  if (tree.exists(plan.handler) && callsOf(tree, plan).includes(plan.call.camel)) {
    logger.info(`${service.kebab} answers ${plan.call.camel} already; nothing to do.`);
    return undefined;
  }
  requireFree(tree, plan);
  const substitutions = {
    service,
    call: plan.call,
    entity,
    plural: entity && spellingsOf(pluralOf(entity.kebab)),
    hasJobs: made.features.includes('jobs'),
    scope: readWorkspace(tree).scope,
    serviceName: service.kebab,
    callName: plan.call.kebab,
    entityName: entity?.kebab,
  };
  generateFiles(tree, join(import.meta.dirname, 'files', entity ? 'record' : 'replica'), '.', substitutions);
  addToContract(tree, plan);
  addToModule(tree, plan);
  return () => {
    rewriteGenerated(tree.root);
    logger.info(`\n${service.kebab} answers ${plan.call.camel} now: ${plan.handler}. Next: npm test -- apps/${service.kebab}`);
  };
}

function planCall(made: Scaffolded, options: CallOptions): CallPlan {
  if (!made.features.includes('calls')) throw new ScaffoldError('bad-options', `${options.service} was made without calls. scaffold:service --calls makes one that answers them.`);
  const [service, call] = [spellingsOf(options.service), spellingsOf(requireName('A call', options.name))];
  if (isReserved(call.camel)) throw new ScaffoldError('taken-name', `"${call.camel}" means something else in code. Choose another name.`);
  const entity = made.features.includes('database') ? spellingsOf(requireEntity(service.kebab, made, options.entity)) : undefined;
  if (!entity && options.entity !== undefined) throw new ScaffoldError('unknown-entity', `${service.kebab} was made without a database and keeps no ${options.entity}.`);
  const contract = `libs/contracts/src/${contractModule(service)}`;
  return { service, call, entity, contract, handler: `apps/${service.kebab}/src/${entity?.kebab ?? call.kebab}/${call.kebab}.handler.ts` };
}

/** Names of the calls in the contract. */
const callsOf = (tree: Tree, { contract }: CallPlan): string[] => elementsIn(tree, contract, { argument: 'defineCalls' }).map((text) => /^\w+/.exec(text)?.[0] ?? '');

function requireFree(tree: Tree, plan: CallPlan): void {
  const { service, call, entity, contract, handler } = plan;
  const refuse = (message: string) => {
    throw new ScaffoldError('taken-name', `${message} Choose another name.`);
  };
  if (callsOf(tree, plan).includes(call.camel)) refuse(`${contract} has a call ${call.camel} already.`);
  for (const path of [handler, handler.replace('.handler.ts', '.spec.ts')]) if (tree.exists(path)) refuse(`${path} is there already.`);
  if (elementsIn(tree, moduleOf(service), { property: 'controllers' }).includes(`${call.pascal}Handler`)) refuse(`${moduleOf(service)} has a ${call.pascal}Handler already.`);
  if (entity && exportedNames(tree, contractsIndex).get(entity.camel) !== `./${contractModule(service)}`) {
    throw new ScaffoldError('unknown-source', `${contract} no longer has ${entity.camel}, with which the call would answer. Name another one by --entity.`);
  }
}

const moduleOf = (service: Name) => `apps/${service.kebab}/src/${service.kebab}.module.ts`;

function addToContract(tree: Tree, { call, entity, contract }: CallPlan): void {
  if (entity) addImport(tree, contract, './fields.contract.ts', 'uuid');
  const definition = entity
    ? `${call.camel}: { request: z.strictObject({ accountId: uuid, id: uuid }), response: ${entity.camel}, errors: ['not-found'], idempotent: true, statements: 1 }`
    : `${call.camel}: { request: z.strictObject({}), response: z.strictObject({ replica: z.string() }), errors: [], idempotent: true }`;
  addElement(tree, contract, { argument: 'defineCalls' }, definition);
}

function addToModule(tree: Tree, { service, call, entity }: CallPlan): void {
  const path = `./${entity?.kebab ?? call.kebab}/${call.kebab}.handler.ts`;
  addFrom(tree, moduleOf(service), path, [`import { ${call.pascal}Handler } from '${path}';`]);
  addElement(tree, moduleOf(service), { property: 'controllers' }, `${call.pascal}Handler`);
}
