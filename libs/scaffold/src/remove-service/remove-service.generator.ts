import { logger, visitNotIgnoredFiles } from '@nx/devkit';
import type { GeneratorCallback, Tree } from '@nx/devkit';
import { rewriteGenerated } from '../generated-files.ts';
import { spellingsOf } from '../names.ts';
import type { Name } from '../names.ts';
import { ScaffoldError } from '../scaffold.error.ts';
import { removeManifests } from '../service/service.manifests.ts';
import { removePackage } from '../service/service.package.ts';
import { messagesOf, unregister } from '../service/service.registration.ts';
import { contractModule, declarationOf, gateway, packageOf, serviceNames } from '../workspace.ts';

export interface RemoveServiceOptions {
  name: string;
  /** Also when other services call it. Default false. */
  force?: boolean;
}

/**
 * Takes out all that `service` put in, and what was added to its folders since.
 *
 * @throws ScaffoldError `unknown-service`; `still-called` when other services call it
 */
export default function removeService(tree: Tree, { name, force = false }: RemoveServiceOptions): GeneratorCallback {
  const known = declarationOf(tree, name);
  const made = serviceNames(tree).filter((other) => declarationOf(tree, other)?.scaffold);
  if (!known?.scaffold) {
    const why = known ? `${name} was written by hand, so nobody knows what belongs to it` : `there is no apps/${name}`;
    throw new ScaffoldError('unknown-service', `${why}. Services that can be taken out: ${made.join(', ') || 'none'}.`);
  }
  const service = spellingsOf(name);
  const callers = serviceNames(tree).filter((other) => other !== name && other !== 'gateway' && packageOf(tree, other).tenfold.calls.includes(name));
  if (callers.length > 0 && !force) throw new ScaffoldError('still-called', `${callers.join(', ')} call ${name}. Let them do without it first, or say --force.`);

  const messages = messagesOf(tree, service);
  unregister(tree, service);
  const notes = removeManifests(tree, service);
  removePackage(tree, name, packageOf(tree, name).name);
  for (const path of pathsOf(tree, service)) if (tree.exists(path)) tree.delete(path);
  const left = mentionsOf(tree, service, messages);
  return () => {
    rewriteGenerated(tree.root);
    for (const note of notes) logger.info(note);
    if (left.length > 0) logger.warn(`Still mentioned, by hand, in ${left.join(', ')}.`);
    logger.info(`\n${name} is gone from the sources. What a cluster keeps of it under .tenfold/ stays until you remove that.`);
  };
}

/** What a service has outside of its own folder. */
function pathsOf(tree: Tree, service: Name): string[] {
  const records = tree.children('libs/contracts/golden').filter((file) => file.startsWith(`${service.kebab}.`));
  return [
    `libs/contracts/src/${contractModule(service)}`,
    ...records.map((file) => `libs/contracts/golden/${file}`),
    `${gateway}/src/${service.kebab}`,
    `loadtests/src/mix/${service.kebab}.traffic.ts`,
    `infra/prometheus/${service.kebab}-calls.rules.yml`,
    `infra/prometheus/tests/${service.kebab}-calls.test.yml`,
    `docs/runbooks/${service.kebab}-calls.md`,
  ];
}

/** Sources that still name the service's calls, messages, settings or folder; what is written anew afterwards does not count. */
function mentionsOf(tree: Tree, service: Name, messages: readonly string[]): string[] {
  const names = [`${service.camel}Calls`, ...messages, `CALL_ADDRESSES_${service.constant}`, `apps/${service.kebab}`];
  const mention = new RegExp(`\\b(${names.join('|')})\\b`);
  const found: string[] = [];
  visitNotIgnoredFiles(tree, '.', (path) => {
    if (/^(?!libs\/scaffold\/|docker-compose\.yml$).*\.(ts|json|ya?ml)$/.test(path) && mention.test(tree.read(path, 'utf8') ?? '')) found.push(path);
  });
  return found;
}
