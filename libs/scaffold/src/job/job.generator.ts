import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { addElement, addFrom, addImport, elementsIn, exportedNames } from '../edits/source.edit.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { spellingsOf } from '../names.ts';
import type { Name } from '../names.ts';
import { isReserved } from '../reserved-words.ts';
import { ScaffoldError } from '../scaffold.error.ts';
import { requireName } from '../service/service.plan.ts';
import { registerMessage } from '../service/service.registration.ts';
import { contractModule, contractsIndex, readWorkspace, serviceNames } from '../workspace.ts';

export interface JobOptions {
  /** What is to be done, such as `settle-payment`. */
  name: string;
  /** Who does it. Default `worker`. */
  service?: string;
}

interface JobPlan {
  service: Name;
  job: Name;
  scope: string;
}

/**
 * One more job: declared in the contract of the service that does it, handled behind its inbox, with what it did in a table
 * and a test that delivers it twice. The same again changes nothing.
 *
 * @throws ScaffoldError `unknown-service`, `bad-options`, `bad-name` or `taken-name`
 */
export default function job(tree: Tree, { name, service = 'worker' }: JobOptions): GeneratorCallback | undefined {
  requireJobs(tree, service);
  const plan = { service: spellingsOf(service), job: spellingsOf(requireName('A job', name)), scope: readWorkspace(tree).scope };
  const contract = exportedNames(tree, contractsIndex).get(plan.job.camel);
  if (contract === `./${contractModule(plan.service)}` && tree.exists(handlerOf(plan))) {
    logger.info(`${service} does ${name} already; nothing to do.`);
    return undefined;
  }
  requireFree(tree, plan);
  const stamp = String(Date.now());
  generateFiles(tree, join(import.meta.dirname, 'files'), '.', { ...plan, stamp, serviceName: service, jobName: name });
  declare(tree, plan);
  addToService(tree, plan, stamp);
  return () => {
    rewriteGenerated(tree.root);
    logger.info(`\n${service} does ${name} once somebody asks: await addMessage(tx, ${plan.job.camel}, { id }). Next: npm test -- apps/${service}`);
  };
}

const sourceOf = ({ service }: JobPlan) => `apps/${service.kebab}/src`;
const handlerOf = (plan: JobPlan) => `${sourceOf(plan)}/${plan.job.kebab}/${plan.job.kebab}.job.ts`;
const doesJobs = (tree: Tree, service: string) => tree.exists(`apps/${service}/src/${service}.messages.ts`) && tree.exists(`apps/${service}/src/migrations/index.ts`);

function requireJobs(tree: Tree, service: string): void {
  const able = serviceNames(tree).filter((name) => doesJobs(tree, name)).sort();
  if (able.includes(service)) return;
  const those = `Services that do: ${able.join(', ') || 'none'}; scaffold:service --jobs makes one.`;
  if (serviceNames(tree).includes(service)) throw new ScaffoldError('bad-options', `${service} does no jobs. ${those}`);
  throw new ScaffoldError('unknown-service', `There is no apps/${service}. ${those}`);
}

function requireFree(tree: Tree, plan: JobPlan): void {
  const { service, job } = plan;
  const refuse = (message: string) => {
    throw new ScaffoldError('taken-name', `${message} Choose another name.`);
  };
  if (isReserved(job.camel)) refuse(`"${job.camel}" means something else in code or SQL.`);
  const contract = exportedNames(tree, contractsIndex).get(job.camel);
  if (contract !== undefined) refuse(`libs/contracts exports ${job.camel} from ${contract}.`);
  const folder = `${sourceOf(plan)}/${job.kebab}`;
  if (tree.exists(folder)) refuse(`${folder} is there already.`);
  const module = `${sourceOf(plan)}/${service.kebab}.module.ts`;
  if (elementsIn(tree, module, { property: 'providers' }).includes(`${job.pascal}Job`)) refuse(`${module} has a ${job.pascal}Job already.`);
}

function declare(tree: Tree, { service, job }: JobPlan): void {
  const path = `libs/contracts/src/${contractModule(service)}`;
  addImport(tree, path, './fields.contract.ts', 'uuid');
  addImport(tree, path, './message.contract.ts', 'defineJob');
  const declaration = `
export const ${job.camel} = defineJob({
  topic: '${service.kebab}.${job.kebab}',
  payload: z.strictObject({ id: uuid }),
  key: (payload) => payload.id,
});
`;
  tree.write(path, (tree.read(path, 'utf8') ?? '') + declaration);
  addElement(tree, contractsIndex, { exported: `./${contractModule(service)}` }, job.camel, (other) => other > job.camel);
  registerMessage(tree, service, job.camel);
}

function addToService(tree: Tree, plan: JobPlan, stamp: string): void {
  const { service, job, scope } = plan;
  const messages = `${sourceOf(plan)}/${service.kebab}.messages.ts`;
  addImport(tree, messages, `${scope}/contracts`, job.camel);
  addElement(tree, messages, { variable: `${service.camel}Messages` }, job.camel);

  const module = `${sourceOf(plan)}/${service.kebab}.module.ts`;
  const path = `./${job.kebab}/${job.kebab}.job.ts`;
  addFrom(tree, module, path, [`import { ${job.pascal}Job } from '${path}';`]);
  addElement(tree, module, { property: 'providers' }, `${job.pascal}Job`);

  const migration = `./${stamp}-create-${job.kebab}-runs.ts`;
  addFrom(tree, `${sourceOf(plan)}/migrations/index.ts`, migration, [`import { Create${job.pascal}Runs${stamp} } from '${migration}';`]);
  addElement(tree, `${sourceOf(plan)}/migrations/index.ts`, { variable: 'migrations' }, `Create${job.pascal}Runs${stamp}`);
}
