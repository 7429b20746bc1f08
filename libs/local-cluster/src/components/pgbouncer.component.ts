import { join } from 'node:path';
import { Client } from 'pg';
import type { ClusterContext } from '../cluster.context.ts';
import { makeDirectory, renderTemplate, writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { poolSize, primaryNode, replicaNodes, shardNode } from './postgresql.component.ts';

interface PoolEntry {
  /** What a client asks PgBouncer for. */
  entry: string;
  database: string;
  node: string;
}

/** PgBouncer's name for a service's database on a node: `catalog_primary`, `catalog_replica_1`, `orders_shard_1_primary`. */
export function poolEntries(name: string, database: 'single' | 'sharded'): { shard: number; primary: PoolEntry; replicas: PoolEntry[] }[] {
  const of = (shard: number) => (database === 'sharded' ? `${name}_shard_${shard}` : name);
  const first = {
    shard: 0,
    primary: { entry: `${of(0)}_primary`, database: name, node: primaryNode.name },
    replicas: replicaNodes.map((replica, index) => ({ entry: `${of(0)}_replica_${index + 1}`, database: name, node: replica.name })),
  };
  if (database === 'single') return [first];
  return [first, { shard: 1, primary: { entry: `${of(1)}_primary`, database: name, node: shardNode.name }, replicas: [] }];
}

/** Starts PgBouncer; the servers behind it may come later. */
export async function startPgbouncer(context: ClusterContext): Promise<void> {
  const { user, secrets, ports } = context;
  const port = await ports.of('pgbouncer.postgresql');
  const entries = context.declarations.flatMap(({ name, database }) =>
    database ? poolEntries(name, database).flatMap(({ primary, replicas }) => [primary, ...replicas]) : [],
  );
  const databases = await Promise.all(
    entries.map(async ({ entry, database, node }) => `${entry} = host=${address} port=${await ports.of(`${node}.postgresql`)} dbname=${database}`),
  );
  const config = join(context.directory, 'config/pgbouncer');
  makeDirectory(config, user);
  const authFile = join(config, 'userlist.txt');
  const logins = { postgres: secrets.superuserPassword, ...secrets.serviceVerifiers };
  const users = Object.entries(logins).map(([login, secret]) => `"${login}" "${secret}"`).join('\n');
  writeAtomically(authFile, renderTemplate(join(context.root, 'infra/pgbouncer/userlist.txt'), { USERS: users }), { owner: user });
  const values = { DATABASES: databases.join('\n'), LISTEN_ADDRESS: address, PORT: port, AUTH_FILE: authFile, POOL_SIZE: poolSize };
  const configFile = join(config, 'pgbouncer.ini');
  writeAtomically(configFile, renderTemplate(join(context.root, 'infra/pgbouncer/pgbouncer.ini'), values), { owner: user });

  await context.run({
    name: 'pgbouncer',
    kind: 'component',
    command: context.programs.get('pgbouncer') ?? 'pgbouncer',
    args: [configFile],
    workingDirectory: '/',
    user,
    ports: { postgresql: port },
    // SIGINT waits for clients to finish, SIGTERM ends at once: by now nobody is left to wait for.
    stopSignal: 'SIGTERM',
    async isReady() {
      const client = new Client({
        connectionString: `postgres://postgres:${secrets.superuserPassword}@${address}:${port}/pgbouncer`,
        connectionTimeoutMillis: 1_000,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        await client.query('SHOW VERSION');
        return true;
      } finally {
        await client.end().catch(() => {});
      }
    },
  });
}
