import type { ClusterUrls } from './cluster.urls.ts';
import { poolEntries } from './components/pgbouncer.component.ts';
import { shardNode } from './components/postgresql.component.ts';
import type { Secrets } from './secrets.ts';
import type { ServiceDeclaration } from './service-declaration.ts';

/** How whoever is outside of the cluster reaches one shard of a service's database, as that service. */
export interface DatabaseUrls {
  shard: number;
  /** Through PgBouncer. */
  primary: string;
  replicas: string[];
  /** PostgreSQL itself, for migrations. */
  owner: string;
}

/** One entry for each shard; none for a service without a database. */
export function databaseUrlsOf(urls: ClusterUrls, secrets: Secrets, { name, database }: ServiceDeclaration): DatabaseUrls[] {
  if (!database) return [];
  const asService = (server: string, path: string) => {
    const url = new URL(`/${path}`, server);
    url.username = name;
    url.password = secrets.servicePasswords[name] ?? '';
    return url.href;
  };
  return poolEntries(name, database).map(({ shard, primary, replicas }) => ({
    shard,
    primary: asService(urls.pgbouncer, primary.entry),
    replicas: replicas.map(({ entry }) => asService(urls.pgbouncer, entry)),
    owner: asService(primary.node === shardNode.name ? urls.postgres.shard1 : urls.postgres.primary, primary.database),
  }));
}
