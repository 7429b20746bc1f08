/**
 * Makes the roles, databases and replication slots of the servers in docker-compose.yml, where they are missing.
 * Usage: POSTGRES_PRIMARY_URL=… POSTGRES_SHARD_1_URL=… REPLICATOR_PASSWORD=… SERVICE_PASSWORD=… node databases.main.ts
 */
import { join } from 'node:path';
import { root } from './cluster.options.ts';
import { databasesOn, primaryNode, shardNode } from './components/postgresql.component.ts';
import { prepareDatabases } from './components/postgresql.databases.ts';
import { readDeclarations } from './service-declaration.ts';

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is missing`);
  return value;
}

const declarations = readDeclarations(join(root, 'apps'));
for (const [node, url] of [[primaryNode, 'POSTGRES_PRIMARY_URL'], [shardNode, 'POSTGRES_SHARD_1_URL']] as const) {
  await prepareDatabases({
    url: setting(url),
    ...databasesOn(node, declarations),
    replicatorPassword: setting('REPLICATOR_PASSWORD'),
    passwordOf: () => setting('SERVICE_PASSWORD'),
  });
}
