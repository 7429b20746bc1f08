import type { Tree } from '@nx/devkit';
import { editJson } from '../edits/json.edit.ts';
import { addElement, addFrom, addImport, importedNames, removeElements, removeFrom } from '../edits/source.edit.ts';
import type { Name } from '../names.ts';
import { contractModule, contractsIndex, gateway } from '../workspace.ts';
import type { ServicePackage } from '../workspace.ts';
import { exportsOf } from './service.plan.ts';
import type { ServicePlan } from './service.plan.ts';

/*
 * The lines in files of others by which a service is known to them: in its contract's index and the list of messages, in
 * the gateway, and in the mix of the load tests. Each function that adds has one that takes out.
 */

const messages = { path: 'libs/contracts/src/all-messages.ts', list: { variable: 'allMessages' } };
const gatewayModule = { path: `${gateway}/src/gateway.module.ts`, list: { property: 'imports' } };
const gatewaySettings = { path: `${gateway}/src/gateway.settings.ts`, list: { call: 'callAddresses' } };
const mix = { path: 'loadtests/src/mix/traffics.ts', list: { variable: 'traffics' } };

export function register(tree: Tree, plan: ServicePlan): void {
  const { service, entity, calls, database, jobs, http } = plan;
  const contract = `./${contractModule(service)}`;
  addFrom(tree, contractsIndex, contract, [
    `export { ${exportsOf(plan).sort().join(', ')} } from '${contract}';`,
    ...(calls && database ? [`export type { ${entity.pascal} } from '${contract}';`] : []),
  ]);
  if (jobs) registerMessage(tree, service, `process${entity.pascal}`);
  if (!http) return;
  const module = `./${service.kebab}/${service.kebab}.module.ts`;
  addFrom(tree, gatewayModule.path, module, [`import { ${service.pascal}Module } from '${module}';`]);
  addElement(tree, gatewayModule.path, gatewayModule.list, `${service.pascal}Module.register(config)`);
  addElement(tree, gatewaySettings.path, gatewaySettings.list, `'${service.kebab}'`);
  editJson<ServicePackage>(tree, `${gateway}/package.json`, ({ tenfold }) => {
    const at = tenfold.calls.findIndex((name) => name > service.kebab);
    tenfold.calls.splice(at < 0 ? tenfold.calls.length : at, 0, service.kebab);
  });
  const traffic = `./${service.kebab}.traffic.ts`;
  addFrom(tree, mix.path, traffic, [`import { ${service.camel}Traffic } from '${traffic}';`]);
  addElement(tree, mix.path, mix.list, `${service.camel}Traffic`);
}

/** One more of all messages, declared in the contract of the service. */
export function registerMessage(tree: Tree, service: Name, message: string): void {
  addImport(tree, messages.path, `./${contractModule(service)}`, message);
  addElement(tree, messages.path, messages.list, message);
}

/** The messages that its contract declares. */
export const messagesOf = (tree: Tree, service: Name): string[] => importedNames(tree, messages.path, `./${contractModule(service)}`);

export function unregister(tree: Tree, service: Name): void {
  const contract = `./${contractModule(service)}`;
  removeFrom(tree, contractsIndex, contract);
  const declared = messagesOf(tree, service);
  removeElements(tree, messages.path, messages.list, (element) => declared.includes(element));
  removeFrom(tree, messages.path, contract);
  removeFrom(tree, gatewayModule.path, `./${service.kebab}/${service.kebab}.module.ts`);
  removeElements(tree, gatewayModule.path, gatewayModule.list, (element) => element.startsWith(`${service.pascal}Module.register(`));
  removeElements(tree, gatewaySettings.path, gatewaySettings.list, (element) => element === `'${service.kebab}'`);
  editJson<ServicePackage>(tree, `${gateway}/package.json`, ({ tenfold }) => {
    tenfold.calls = tenfold.calls.filter((name) => name !== service.kebab);
  });
  removeFrom(tree, mix.path, `./${service.kebab}.traffic.ts`);
  removeElements(tree, mix.path, mix.list, (element) => element === `${service.camel}Traffic`);
}
