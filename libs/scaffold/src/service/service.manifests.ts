import type { Tree } from '@nx/devkit';
import { addLine, addLineBehind, addWord, removeLine, removeWord } from '../edits/line.edit.ts';
import type { Name } from '../names.ts';
import { addPool, removePool } from './service.connections.ts';
import type { ServicePlan } from './service.plan.ts';

/*
 * The lines by which Kubernetes knows of a service outside of its own folder in k8s/base: it is one of the resources, has
 * an image, may be called by the gateway, and gets a database in the local overlay.
 */

const base = 'k8s/base/kustomization.yaml';
const gatewaySettings = 'k8s/base/gateway/kustomization.yaml';
const gatewayCallees = { path: 'k8s/base/gateway/callees.yaml', list: /value: \[(.*)\]/ };
const localDatabases = { path: 'k8s/overlays/local/data/postgresql.yaml', lists: [/name: SERVICES, value: ([^}]*?) \}/, /name: DATABASES, value: ([^}]*?) \}/] };

const resource = (service: Name) => `  - ${service.kebab}`;
const image = (tree: Tree, service: Name) => `  - { name: ${imagePrefixOf(tree)}/${service.kebab}, newTag: 0.1.0 }`;
const address = (service: Name) => `      - CALL_ADDRESSES_${service.constant}=dns:${service.kebab}:7000`;

const imagePrefixOf = (tree: Tree) => /\{ name: ([\w-]+)\//.exec(tree.read(base, 'utf8') ?? '')?.[1] ?? '';

/** @returns what is left to do outside of the manifests */
export function addManifests(tree: Tree, { service, http, database }: ServicePlan): string[] {
  addLine(tree, base, /^ {2}- (?!namespace$|monitoring$)[a-z0-9-]+$/, resource(service));
  addLine(tree, base, /^ {2}- \{ name: [\w-]+\//, image(tree, service));
  if (http) {
    addLine(tree, gatewaySettings, /CALL_ADDRESSES_/, address(service));
    addWord(tree, gatewayCallees.path, gatewayCallees.list, ', ', service.kebab);
  }
  if (!database) return [];
  for (const list of localDatabases.lists) addWord(tree, localDatabases.path, list, ' ', service.kebab);
  return addPool(tree, service.kebab);
}

const callersFile = (service: string) => `k8s/base/${service}/callers.yaml`;

/** Lets one service call another: its settings, and the network policies of both. */
export function addCallManifests(tree: Tree, from: Name, to: Name): void {
  const folder = `k8s/base/${from.kebab}`;
  const settings = `${folder}/kustomization.yaml`;
  addLine(tree, settings, /^ {6}- \w+=/, address(to));
  const callees = `${folder}/callees.yaml`;
  if (tree.exists(callees)) addWord(tree, callees, gatewayCallees.list, ', ', to.kebab);
  else {
    tree.write(callees, `- op: replace\n  path: /spec/egress/0/to/0/podSelector/matchExpressions/0/values\n  value: [${to.kebab}]\n`);
    addLine(tree, settings, /^ {2}- \.\.\/\.\.\/components\/(?!service$)/, '  - ../../components/caller');
    const patch = `  - target: { kind: NetworkPolicy, name: ${from.kebab}-callees }\n    path: callees.yaml\n`;
    tree.write(settings, `${tree.read(settings, 'utf8') ?? ''}${patch}`);
  }
  editCallers(tree, to.kebab, (names) => [...names, from.kebab]);
}

/** Lets a service with a database use the cache's Redis. */
export function addCacheManifests(tree: Tree, service: Name): void {
  addLineBehind(tree, `k8s/base/${service.kebab}/kustomization.yaml`, '  - ../../components/database', '  - ../../components/cache-redis');
}

/** Who may call a service. A list of nobody would be refused by Kubernetes: then the whole rule goes. */
function editCallers(tree: Tree, service: string, change: (names: string[]) => string[]): void {
  const path = callersFile(service);
  const before = tree.read(path, 'utf8') ?? '';
  const known = (/value: \[(.*)\]/.exec(before)?.[1] ?? '').split(', ').filter(Boolean);
  const names = [...new Set(change(known))].sort();
  if (names.join() === known.join()) return;
  const values = '/0/from/0/podSelector/matchExpressions/0/values';
  const rule = `- op: replace\n  path: /spec/ingress${names.length > 0 ? values : ''}\n  value: [${names.join(', ')}]\n`;
  tree.write(path, names.length > 0 ? rule : `# Nobody yet.\n${rule}`);
}

/** Returns what {@link addManifests} does. */
export function removeManifests(tree: Tree, service: Name): string[] {
  removeLine(tree, base, resource(service));
  removeLine(tree, base, image(tree, service));
  removeLine(tree, gatewaySettings, address(service));
  removeWord(tree, gatewayCallees.path, gatewayCallees.list, ', ', service.kebab);
  for (const other of tree.children('k8s/base')) if (tree.exists(callersFile(other))) editCallers(tree, other, (names) => names.filter((name) => name !== service.kebab));
  for (const list of localDatabases.lists) removeWord(tree, localDatabases.path, list, ' ', service.kebab);
  if (tree.exists(`k8s/base/${service.kebab}`)) tree.delete(`k8s/base/${service.kebab}`);
  return removePool(tree, service.kebab);
}
