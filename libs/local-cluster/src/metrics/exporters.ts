import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterContext } from '../cluster.context.ts';
import type { ComponentName } from '../components/component-names.ts';
import { answers200 } from '../components/mail.component.ts';
import { primaryNode, replicaNodes, shardNode, superuserUrl } from '../components/postgresql.component.ts';
import { writeAtomically } from '../files.ts';
import { address } from '../ports.ts';
import { writeTargets } from './scrape-targets.ts';

interface Exporter {
  /** Of the process; its port is called `<name>.http`. */
  name: string;
  command: string;
  args: (port: number) => readonly string[];
  environment?: Record<string, string>;
}

/** Starts an exporter, which need not wait for its server. @returns its port */
async function startExporter(context: ClusterContext, { name, command, args, environment = {} }: Exporter): Promise<number> {
  const port = await context.ports.of(`${name}.http`);
  await context.run({
    name,
    kind: 'component',
    command,
    args: args(port),
    environment,
    workingDirectory: context.directory,
    ports: { http: port },
    isReady: (signal) => answers200(`http://${address}:${port}/`, signal),
  });
  return port;
}

/** Where an exporter lies, or undefined, and a line about it, where it is not to be had. */
function programOf(context: ClusterContext, name: string): string | undefined {
  const command = context.programs.get(name);
  if (command === undefined) context.progress(`${name} is not to be had here: its server has no metrics`);
  return command;
}

/** One beside each node: what a node says goes by its name, also after a promotion. */
export async function startPostgresqlExporters(context: ClusterContext): Promise<void> {
  const command = programOf(context, 'prometheus-postgres-exporter');
  if (command === undefined) return writeTargets(context.directory, 'postgresql', []);
  const targets = await Promise.all(
    [primaryNode, ...replicaNodes, shardNode].map(async ({ name: node }) => {
      const url = superuserUrl(context, await context.ports.of(`${node}.postgresql`));
      const port = await startExporter(context, {
        name: `${node}-exporter`,
        command,
        args: (port) => [`--web.listen-address=${address}:${port}`, '--disable-settings-metrics', '--log.level=error'],
        environment: { DATA_SOURCE_NAME: `${url}/postgres?sslmode=disable` },
      });
      return { port, labels: { node } };
    }),
  );
  writeTargets(context.directory, 'postgresql', targets);
}

export async function startPgbouncerExporter(context: ClusterContext): Promise<void> {
  const url = `${superuserUrl(context, await context.ports.of('pgbouncer.postgresql'))}/pgbouncer`;
  const program = fileURLToPath(new URL('pgbouncer-exporter.main.ts', import.meta.url));
  const port = await startExporter(context, {
    name: 'pgbouncer-exporter',
    command: process.execPath,
    args: (port) => ['--max-semi-space-size=1', program, address, String(port)],
    environment: { PGBOUNCER_URL: url },
  });
  writeTargets(context.directory, 'pgbouncer', [{ port, labels: {} }]);
}

/** One for both servers: it is told with each question which one is meant. */
export async function startRedisExporter(context: ClusterContext, components: readonly ComponentName[]): Promise<void> {
  const names = (['session-redis', 'cache-redis'] as const).filter((name) => components.includes(name));
  const command = programOf(context, 'prometheus-redis-exporter');
  if (command === undefined || names.length === 0) return writeTargets(context.directory, 'redis', []);
  const servers = await Promise.all(names.map(async (name) => ({ name, url: `redis://${address}:${await context.ports.of(`${name}.redis`)}` })));
  const passwordFile = join(context.directory, 'config/redis-exporter.json');
  writeAtomically(passwordFile, JSON.stringify(Object.fromEntries(servers.map(({ url }) => [url, context.secrets.redisPassword]))));
  const port = await startExporter(context, {
    name: 'redis-exporter',
    command,
    args: (port) => [`-web.listen-address=${address}:${port}`, `-redis.password-file=${passwordFile}`, '-redis.addr=', '-redis-only-metrics'],
  });
  const targets = servers.map(({ name, url }) => ({ port, labels: { instance: name, __param_target: url } }));
  writeTargets(context.directory, 'redis', targets);
}
