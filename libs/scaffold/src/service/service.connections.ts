import type { Tree } from '@nx/devkit';
import { packageOf, serviceNames } from '../workspace.ts';

/*
 * PostgreSQL's connections in production, shared out among the services: PgBouncer opens a pool for each, so with one more
 * service there may be less for all (docs/pools.md). The lint of the manifests, scripts/kubernetes, holds the sum to it.
 */

const production = 'k8s/overlays/production/kustomization.yaml';
/** Of each service at most: what one process may use of a node. */
const largestPool = 10;
/** Migrations, seeding, a person with psql: 20; and what PostgreSQL keeps for superusers: 3. */
const otherConnections = 23;

/** @returns what to tell whoever runs production, if anything changes there */
export function addPool(tree: Tree, service: string): string[] {
  const others = countOthers(tree, service);
  return sharePools(tree, others, others + 1);
}

/** To be called while the service is still there. Returns what {@link addPool} does. */
export function removePool(tree: Tree, service: string): string[] {
  const others = countOthers(tree, service);
  return packageOf(tree, service).tenfold.database === undefined ? [] : sharePools(tree, others + 1, others);
}

const countOthers = (tree: Tree, service: string): number => serviceNames(tree).filter((name) => name !== service && packageOf(tree, name).tenfold.database !== undefined).length;

/** A size that somebody chose stays, as long as there is room for it. */
function sharePools(tree: Tree, before: number, after: number): string[] {
  const text = tree.read(production, 'utf8') ?? '';
  const limit = (name: string) => Number(new RegExp(`- ${name}=(\\d+)`).exec(text)?.[1]);
  const [instances, size] = [limit('pgbouncer-instances'), limit('pgbouncer-default-pool-size')];
  const available = limit('postgresql-max-connections') - otherConnections;
  const roomFor = (services: number) => Math.max(1, Math.floor(available / (instances * Math.max(1, services))));
  const shareOf = (services: number) => Math.min(largestPool, roomFor(services));
  const next = size === shareOf(before) || size > roomFor(after) ? shareOf(after) : size;
  // Without numbers there is no PgBouncer to size.
  if (next === size || Number.isNaN(next)) return [];
  tree.write(production, text.replace(/(- pgbouncer-default-pool-size=)\d+/, `$1${next}`));
  return [`PgBouncer in production has room for ${next} connections for each of ${after} services now, ${size} before: reload it with that default_pool_size (docs/pools.md).`];
}
