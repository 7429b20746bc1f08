import { dirname, matchesGlob } from 'node:path';
import { visitNotIgnoredFiles } from '@nx/devkit';
import type { Tree } from '@nx/devkit';
import { editJson, withoutEntry } from '../../edits/json.edit.ts';
import { exportedNames } from '../../edits/source.edit.ts';
import { spellingsOf } from '../../names.ts';
import { ScaffoldError } from '../../scaffold.error.ts';
import { removeManifests } from '../../service/service.manifests.ts';
import { removePackage } from '../../service/service.package.ts';
import service from '../../service/service.generator.ts';
import { unregister } from '../../service/service.registration.ts';
import { contractModule, contractsIndex, packageOf, readWorkspace } from '../../workspace.ts';
import { template } from './renaming.ts';
import { shopDeclarations, shopLines, shopPaths, shopServices, shopTests } from './shop.ts';
import { withoutDeclarations, withoutTests, withoutUnused } from './source.cuts.ts';

/** The service that a workspace begins with. */
export const firstService = 'notes';

/** What a small machine reaches with {@link firstService} alone, its own load generator included. */
const firstTargets = { rate: 200, roundsPerRequest: 500, cacheHitRate: 0.3, replicaReadShare: 0.5 };

const messages = 'libs/contracts/src/all-messages.ts';

interface Lockfile {
  packages: Record<string, object>;
}

interface Targets {
  endpoints: Record<string, object>;
}

/** Puts one service that works in the place of the shop: it keeps rows, answers calls, is published, does jobs and caches. */
export function replaceShop(tree: Tree): void {
  const topics = topicsOf(tree);
  takeOutShop(tree);
  service(tree, { name: firstService, database: true, calls: true, http: true, jobs: true, cache: true });
  addTopics(tree, topics);
  // Nothing else is there to ask for.
  edit(tree, `loadtests/src/mix/${firstService}.traffic.ts`, (text) => text.replace(/share: \d+/, 'share: 96'));
  edit(tree, 'loadtests/src/loadtest/selftest.cases.ts', (text) => text.replaceAll('/v1/products', `/v1/${firstService}`));
  editJson<Targets>(tree, 'loadtests/targets.json', (targets) => {
    const endpoints = Object.entries(targets.endpoints).filter(([endpoint]) => / \/v1\/(session|account)/.test(endpoint));
    Object.assign(targets, firstTargets, { endpoints: Object.fromEntries(endpoints) });
  });
}

/** The program that makes topics, and the Job that runs it, which every cluster needs once: one of the services carries it. */
interface Topics {
  program: string;
  job: string;
}

function topicsOf(tree: Tree): Topics {
  const textOf = (path: string) => tree.read(path, 'utf8') ?? '';
  return { program: textOf('apps/worker/src/topics.main.ts'), job: textOf('k8s/base/worker/topics.yaml') };
}

function addTopics(tree: Tree, { program, job }: Topics): void {
  const base = `k8s/base/${firstService}`;
  tree.write(`apps/${firstService}/src/topics.main.ts`, program);
  tree.write(`${base}/topics.yaml`, job.replaceAll(/\bworker\b/g, firstService));
  // All else of it is written anew from the declarations.
  edit(tree, 'docker-compose.yml', (text) => text.replaceAll(`image: ${template.name.kebab}/worker:`, `image: ${template.name.kebab}/${firstService}:`));
  edit(tree, `${base}/kustomization.yaml`, (text) => text.replace(/^components:/m, 'resources: [topics.yaml]\ncomponents:'));
}

/**
 * Takes the sample shop out of a workspace.
 *
 * @throws ScaffoldError `unknown-source` when something that is to go is not there: then the list is not of this workspace
 */
export function takeOutShop(tree: Tree): void {
  for (const [path, patterns] of Object.entries(shopLines)) {
    for (const pattern of patterns) edit(tree, path, (text) => text.replaceAll(pattern, ''));
  }
  for (const [path, names] of Object.entries(shopDeclarations)) edit(tree, path, (text) => withoutDeclarations(text, names));
  for (const name of shopServices) removeService(tree, name);
  editJson<Lockfile>(tree, 'package-lock.json', (lock) => {
    const { scope } = readWorkspace(tree);
    lock.packages = withoutEntry(withoutEntry(lock.packages, 'benchmarks'), `node_modules/${scope}/benchmarks`);
    const root = lock.packages[''] as { workspaces: string[] };
    root.workspaces = root.workspaces.filter((name) => name !== 'benchmarks');
  });
  for (const path of shopPaths) {
    if (!tree.exists(path)) throw new ScaffoldError('unknown-source', `${path} is said to be the shop's, and is not there.`);
    tree.delete(path);
  }
  for (const [glob, pattern] of Object.entries(shopTests)) {
    visitNotIgnoredFiles(tree, dirname(glob.split('*')[0] ?? ''), (path) => {
      if (matchesGlob(path, glob)) tree.write(path, withoutTests(tree.read(path, 'utf8') ?? '', pattern));
    });
  }
  for (const { path, type } of tree.listChanges()) {
    if (type === 'UPDATE' && path.endsWith('.ts')) tree.write(path, withoutUnused(tree.read(path, 'utf8') ?? ''));
  }
}

function write(tree: Tree, path: string, change: (text: string) => string): boolean {
  const before = tree.read(path, 'utf8') ?? '';
  const after = change(before);
  if (after !== before) tree.write(path, after);
  return after !== before;
}

function edit(tree: Tree, path: string, change: (text: string) => string): void {
  if (!write(tree, path, change)) throw new ScaffoldError('unknown-source', `${path} has nothing of what is said to be the shop's in it.`);
}

/** Whatever is known of a service by its name, as for one that was made by the generator. */
function removeService(tree: Tree, name: string): void {
  const service = spellingsOf(name);
  const { name: packageName } = packageOf(tree, name);
  const contract = contractModule(service);
  for (const [message, module] of exportedNames(tree, contractsIndex)) {
    if (module === `./${contract}`) write(tree, messages, (text) => text.replace(new RegExp(`^ *${message},\\n`, 'm'), '').replace('[\n]', '[]'));
  }
  unregister(tree, service);
  removeManifests(tree, service);
  removePackage(tree, name, packageName);
  tree.delete(`libs/contracts/src/${contract}`);
  for (const file of tree.children('libs/contracts/golden')) if (file.startsWith(`${name}.`)) tree.delete(`libs/contracts/golden/${file}`);
}
