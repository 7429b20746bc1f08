import { join } from 'node:path';
import { generateFiles, logger } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { editJson } from '../edits/json.edit.ts';
import { addElement, addImport, exportedNames, hasCall } from '../edits/source.edit.ts';
import { rewriteGenerated } from '../generated-files.ts';
import { spellingsOf } from '../names.ts';
import type { Name } from '../names.ts';
import { ScaffoldError } from '../scaffold.error.ts';
import { addLibrary } from '../service/service.package.ts';
import { addCallManifests } from '../service/service.manifests.ts';
import { contractsIndex, declarationOf, packageOf, readWorkspace, serviceNames } from '../workspace.ts';
import type { ServicePackage } from '../workspace.ts';

export interface ConnectOptions {
  /** The service that will call. */
  from: string;
  /** The service that will be called. */
  to: string;
}

/**
 * Lets a service call another: client, setting, network policies both ways, and a test that it serves without it. The
 * same again changes nothing.
 *
 * @throws ScaffoldError `unknown-service`, `bad-options`
 */
export default function connect(tree: Tree, options: ConnectOptions): GeneratorCallback | undefined {
  const { from, to } = requireServices(tree, options);
  if (packageOf(tree, from.kebab).tenfold.calls.includes(to.kebab)) {
    logger.info(`${from.kebab} calls ${to.kebab} already; nothing to do.`);
    return undefined;
  }
  const { scope } = readWorkspace(tree);
  addClient(tree, from, to, scope);
  addLibrary(tree, from.kebab, scope, 'rpc');
  editJson<ServicePackage>(tree, `apps/${from.kebab}/package.json`, ({ tenfold }) => {
    tenfold.calls = [...tenfold.calls, to.kebab].sort();
  });
  addCallManifests(tree, from, to);

  const made = declarationOf(tree, from.kebab)?.scaffold;
  if (made) {
    addTestSetting(tree, from, `CALL_ADDRESSES_${to.constant}: '127.0.0.1:1'`);
    if (!made.features.includes('calls')) addTestSetting(tree, from, "CALLS_SECRET: 'a secret of the tests, 32 characters or more'");
    const substitutions = { from, to, scope, jobs: made.features.includes('jobs'), fromName: from.kebab, toName: to.kebab };
    generateFiles(tree, join(import.meta.dirname, 'files'), '.', substitutions);
  }
  return () => {
    rewriteGenerated(tree.root);
    logger.info(`\n${from.kebab} can call ${to.kebab}: @InjectCalls(${to.camel}Calls) private readonly ${to.camel}: CallClient<typeof ${to.camel}Calls>`);
    if (!made) logger.info(`Its tests now need CALL_ADDRESSES_${to.constant} in their fixture.`);
  };
}

function requireServices(tree: Tree, options: ConnectOptions): { from: Name; to: Name } {
  for (const name of [options.from, options.to]) {
    if (!serviceNames(tree).includes(name)) throw new ScaffoldError('unknown-service', `There is no apps/${name}. There are ${serviceNames(tree).join(', ')}.`);
  }
  const [from, to] = [spellingsOf(options.from), spellingsOf(options.to)];
  if (from.kebab === to.kebab) throw new ScaffoldError('bad-options', `${from.kebab} need not call itself.`);
  if (!exportedNames(tree, contractsIndex).has(`${to.camel}Calls`)) throw new ScaffoldError('bad-options', `${to.kebab} answers no calls: libs/contracts has no ${to.camel}Calls.`);
  return { from, to };
}

/** Before what a test gives itself. */
function addTestSetting(tree: Tree, service: Name, setting: string): void {
  addElement(tree, `apps/${service.kebab}/src/${service.kebab}.fixture.ts`, { argument: 'readConfig' }, setting, (other) => other.startsWith('...'));
}

/** The address among the settings, and the client in the module. */
function addClient(tree: Tree, from: Name, to: Name, scope: string): void {
  const settings = `apps/${from.kebab}/src/${from.kebab}.settings.ts`;
  if (hasCall(tree, settings, 'callAddresses')) addElement(tree, settings, { call: 'callAddresses' }, `'${to.kebab}'`);
  else {
    addElement(tree, settings, { named: `${scope}/service` }, 'callAddresses', (other) => other > 'callAddresses');
    addElement(tree, settings, { object: `${from.camel}Settings` }, `...callAddresses('${to.kebab}')`);
  }
  const module = `apps/${from.kebab}/src/${from.kebab}.module.ts`;
  addImport(tree, module, `${scope}/contracts`, `${to.camel}Calls`);
  addImport(tree, module, `${scope}/rpc`, 'CallsModule');
  addElement(tree, module, { property: 'imports' }, `CallsModule.register({ contract: ${to.camel}Calls, addresses: config.CALL_ADDRESSES_${to.constant}, secret: config.CALLS_SECRET, tlsDirectory: config.CALLS_TLS_DIRECTORY })`);
}
