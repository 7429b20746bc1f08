import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterError } from '../cluster.error.ts';
import type { ClusterContext } from '../cluster.context.ts';
import { runCommand } from '../command.ts';
import { makeDirectory, renderTemplate, writeAtomically } from '../files.ts';
import { address, clientNetwork } from '../ports.ts';
import type { ServiceDeclaration } from '../service-declaration.ts';
import type { SupervisedProcess } from '../supervised-process.ts';
import { prepareDatabases, withClient } from './postgresql.databases.ts';

/** One PostgreSQL server. */
export interface PostgresNode {
  /** Name of its process. */
  name: string;
  /** Whose copy it is; undefined for a primary. */
  copyOf?: string;
  sharedBuffers: string;
  /** Number of the shard that it holds; a replica holds its primary's. */
  shard: 0 | 1;
}

export const primaryNode: PostgresNode = { name: 'postgres-primary', sharedBuffers: '128MB', shard: 0 };
export const replicaNodes: readonly PostgresNode[] = [
  { name: 'postgres-replica-1', copyOf: primaryNode.name, sharedBuffers: '96MB', shard: 0 },
  { name: 'postgres-replica-2', copyOf: primaryNode.name, sharedBuffers: '96MB', shard: 0 },
];
export const shardNode: PostgresNode = { name: 'postgres-shard-1', sharedBuffers: '64MB', shard: 1 };

/** Server connections that PgBouncer may open for one service on one node. */
export const poolSize = 10;
/** Connections beside PgBouncer's: migrations, seeding, tests, replication, a person with psql. */
const otherConnections = 60;

const slotOf = (node: PostgresNode) => node.name.replaceAll('-', '_');

/** Whose databases a primary has, and what its replicas read from. */
export function databasesOn(node: PostgresNode, declarations: readonly ServiceDeclaration[]): { owners: string[]; slots: string[] } {
  const owners = declarations.filter(({ database }) => (node.shard === 0 ? database !== undefined : database === 'sharded'));
  return { owners: owners.map(({ name }) => name), slots: replicaNodes.filter(({ copyOf }) => copyOf === node.name).map(slotOf) };
}

/** How many connections a node takes, of services that have a database on it or on another one. */
export const maxConnections = (databases: number): number => databases * poolSize + otherConnections;

export function superuserUrl(context: ClusterContext, port: number): string {
  return `postgres://postgres:${context.secrets.superuserPassword}@${address}:${port}`;
}

/** Starts all nodes; the replicas as soon as their primary is up, the second shard beside them. */
export async function startPostgresql(context: ClusterContext): Promise<void> {
  makeDirectory(join(context.directory, 'postgresql'));
  await Promise.all([startPrimarySide(context), startPrimary(context, shardNode)]);
}

async function startPrimarySide(context: ClusterContext): Promise<void> {
  const primary = await startPrimary(context, primaryNode);
  await Promise.all(replicaNodes.map((replica) => startReplica(context, replica, primary)));
}

const dataDirectoryOf = (context: ClusterContext, node: PostgresNode) => join(context.directory, 'postgresql', node.name);

async function startPrimary(context: ClusterContext, node: PostgresNode): Promise<SupervisedProcess> {
  const data = dataDirectoryOf(context, node);
  if (existsSync(data)) requireWhole(context, data);
  else await context.timeline.measure(`${node.name}: initdb`, () => initialise(context, data));
  const started = await run(context, node);
  await prepareDatabases({
    url: superuserUrl(context, await context.ports.of(`${node.name}.postgresql`)),
    ...databasesOn(node, context.declarations),
    replicatorPassword: context.secrets.replicatorPassword,
    // What PgBouncer has as well, so that both are one even if secrets.json was lost.
    passwordOf: (service) => context.secrets.serviceVerifiers[service] ?? '',
  });
  return started;
}

async function startReplica(context: ClusterContext, node: PostgresNode, primary: SupervisedProcess): Promise<void> {
  const data = dataDirectoryOf(context, node);
  if (existsSync(data)) {
    requireWhole(context, data);
    try {
      await run(context, node);
      return;
    } catch (error) {
      if ((error as ClusterError).code !== 'not-ready' || !primary.serving) throw error;
      context.progress(`${node.name} cannot follow its primary any more: it is copied anew`);
      rmSync(data, { recursive: true });
    }
  }
  await context.timeline.measure(`${node.name}: pg_basebackup`, () => copyPrimary(context, data));
  await run(context, node);
}

/** Made beside its place and renamed, so that a folder in place is always whole. */
async function initialise(context: ClusterContext, data: string): Promise<void> {
  const { user, watchdog, signal } = context;
  const unfinished = `${data}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  makeDirectory(unfinished, user);
  const passwordFile = join(context.directory, 'config', `${process.pid}.superuser-password`);
  writeAtomically(passwordFile, `${context.secrets.superuserPassword}\n`, { owner: user });
  const locale = process.platform === 'linux' ? ['--locale=C.UTF-8'] : ['--locale=C', '--lc-ctype=UTF-8'];
  try {
    await runCommand(
      programOf(context, 'initdb'),
      ['-D', unfinished, '-U', 'postgres', '-E', 'UTF8', ...locale, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync', '--no-instructions'],
      { purpose: 'Making a PostgreSQL data folder', environment: {}, user, watchdog, signal },
    );
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, data);
}

async function copyPrimary(context: ClusterContext, data: string): Promise<void> {
  const { user, watchdog, signal, secrets } = context;
  const unfinished = `${data}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  makeDirectory(unfinished, user);
  const port = await context.ports.of(`${primaryNode.name}.postgresql`);
  await runCommand(
    programOf(context, 'pg_basebackup'),
    ['-D', unfinished, '-h', address, '-p', String(port), '-U', 'replicator', '-R', '-X', 'stream', '--checkpoint=fast', '--no-sync', '--no-password'],
    { purpose: 'Copying the primary to a replica', environment: { PGPASSWORD: secrets.replicatorPassword }, user, watchdog, signal },
  );
  // Of `-R` only the mark that it is a standby is wanted: the primary's address is in our own configuration, since ports change.
  writeAtomically(join(unfinished, 'postgresql.auto.conf'), '', { owner: user });
  renameSync(unfinished, data);
}

/** @throws ClusterError `broken-data` when the folder is not a data folder of this version of PostgreSQL */
function requireWhole(context: ClusterContext, data: string): void {
  const advice = `Move it away or delete it (rm -rf ${data}) and start again: it is made anew, without its data.`;
  const file = join(data, 'PG_VERSION');
  if (!existsSync(file)) throw new ClusterError('broken-data', `The data folder ${data} is broken: it has no PG_VERSION. ${advice}`);
  const made = readFileSync(file, 'utf8').trim();
  const installed = /postgresql\/(\d+)\//.exec(programOf(context, 'postgres'))?.[1];
  if (installed !== undefined && made !== installed) {
    throw new ClusterError('broken-data', `The data folder ${data} was made by PostgreSQL ${made}, installed is ${installed}. ${advice}`);
  }
}

async function run(context: ClusterContext, node: PostgresNode): Promise<SupervisedProcess> {
  const { secrets, user, ports } = context;
  const data = dataDirectoryOf(context, node);
  const port = await ports.of(`${node.name}.postgresql`);
  const config = join(context.directory, 'config', node.name);
  const primaryPort = node.copyOf === undefined ? undefined : await ports.of(`${node.copyOf}.postgresql`);
  const databases = context.declarations.filter((declaration) => declaration.database).length;
  const values = {
    LISTEN_ADDRESS: address,
    PORT: port,
    HBA_FILE: join(config, 'pg_hba.conf'),
    MAX_CONNECTIONS: maxConnections(databases),
    SHARED_BUFFERS: node.sharedBuffers,
    PRIMARY_CONNINFO:
      primaryPort === undefined
        ? ''
        : `host=${address} port=${primaryPort} user=replicator password=${secrets.replicatorPassword} application_name=${slotOf(node)}`,
    PRIMARY_SLOT: primaryPort === undefined ? '' : slotOf(node),
    CLIENT_NETWORK: clientNetwork,
  };
  makeDirectory(config, user);
  for (const file of ['postgresql.conf', 'pg_hba.conf']) {
    writeAtomically(join(config, file), renderTemplate(join(context.root, 'infra/postgresql', file), values), { owner: user });
  }
  return context.run({
    name: node.name,
    kind: 'component',
    command: programOf(context, 'postgres'),
    args: ['-D', data, '-c', `config_file=${join(config, 'postgresql.conf')}`],
    environment: { LC_ALL: 'C', TZ: 'UTC' },
    workingDirectory: '/',
    user,
    ports: { postgresql: port },
    // Fast shutdown: open transactions are rolled back; the default waits for every client to leave.
    stopSignal: 'SIGINT',
    isReady: () => isServing(superuserUrl(context, port), node),
    readyWithinMs: node.copyOf === undefined ? 60_000 : 20_000,
    advice: `If its data folder is broken, delete it (rm -rf ${data}) and start again: a replica is copied anew, a primary begins without data.`,
  });
}

/** A primary must take writes, a replica must receive what its primary writes. */
async function isServing(url: string, node: PostgresNode): Promise<boolean> {
  const question =
    node.copyOf === undefined
      ? 'SELECT NOT pg_is_in_recovery() AS ready'
      : `SELECT count(*) = 1 AS ready FROM pg_stat_wal_receiver WHERE status = 'streaming'`;
  return withClient(`${url}/postgres`, async (client) => (await client.query<{ ready: boolean }>(question)).rows[0]?.ready ?? false);
}

function programOf(context: ClusterContext, program: string): string {
  return context.programs.get(program) ?? program;
}
