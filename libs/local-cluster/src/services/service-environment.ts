import { join } from 'node:path';
import type { ClusterContext } from '../cluster.context.ts';
import { poolEntries } from '../components/pgbouncer.component.ts';
import { address } from '../ports.ts';
import { traceEnvironment } from '../traces/start-traces.ts';
import type { ServiceDeclaration } from '../service-declaration.ts';

/** Settings of a service that whoever starts the cluster may give in its own environment. */
const passedOn = [
  'LOG_LEVEL',
  'RATE_LIMIT_PER_MINUTE',
  'LOGIN_LIMIT_PER_MINUTE',
  'DRAIN_DELAY_MS',
  'METRICS',
  'ADMISSION',
  'PROFILE_DIRECTORY',
  'PROFILE_BUSY_SHARE',
  'DIAGNOSTICS_TOKEN',
  'PAYMENT_STAND_IN',
  'ORDERS_PAYMENT_SECONDS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_TRACES_SAMPLER_ARG',
  'TRACE_SLOW_MS',
];

/** The file that names the replicas of a service that answer calls. */
export function addressFile(directory: string, service: string): string {
  return join(directory, 'addresses', service);
}

/** The environment of one replica: the table "Settings" of docs/architecture.md, and nothing that it did not declare. */
export async function environmentOf(
  context: ClusterContext,
  declaration: ServiceDeclaration,
  replica: string,
  ports: Readonly<Record<string, number>>,
): Promise<Record<string, string>> {
  const { directory, secrets } = context;
  const { name, calls, uses } = declaration;
  const url = async (scheme: string, port: string) => `${scheme}://${address}:${await context.ports.of(port)}`;
  const redisUrl = async (port: string) => `redis://:${secrets.redisPassword}@${address}:${await context.ports.of(port)}`;

  const environment: Record<string, string> = {
    NODE_ENV: 'production',
    // Bundles are compiled once, not at each start of each replica (Node's module compile cache).
    NODE_COMPILE_CACHE: join(context.root, '.tenfold/compile-cache'),
    TZ: 'UTC',
    REPLICA: replica,
    HOST: address,
    PROFILE_TOKEN: secrets.profileToken,
    // The balancer and the callers are told before a replica is stopped, so they need hardly any time to notice.
    DRAIN_DELAY_MS: '500',
    ...(await databaseEnvironment(context, declaration, 'pgbouncer')),
    ...(await traceEnvironment(context)),
  };
  for (const [kind, port] of Object.entries(ports)) environment[`${kind.toUpperCase()}_PORT`] = String(port);
  if (ports['calls'] !== undefined || calls.length > 0) environment['CALLS_SECRET'] = secrets.callsSecret;
  if (ports['http'] !== undefined) environment['COOKIE_KEYS'] = secrets.cookieKeys.join(',');
  for (const service of calls) environment[`CALL_ADDRESSES_${settingName(service)}`] = `file:${addressFile(directory, service)}`;
  if (uses.includes('session-redis')) environment['SESSION_REDIS_URL'] = await redisUrl('session-redis.redis');
  if (uses.includes('cache-redis')) environment['CACHE_REDIS_URL'] = await redisUrl('cache-redis.redis');
  if (uses.includes('kafka')) environment['KAFKA_BROKERS'] = `${address}:${await context.ports.of('kafka.kafka')}`;
  if (uses.includes('mail')) environment['SMTP_URL'] = await url('smtp', 'mail.smtp');
  if (uses.includes('objects')) environment['OBJECT_STORE_DIR'] = join(directory, 'objects');
  for (const setting of passedOn) {
    const value = process.env[setting];
    if (value !== undefined) environment[setting] = value;
  }
  return { ...environment, ...context.environment['*'], ...context.environment[name] };
}

/**
 * Where a service finds its database.
 *
 * @param by `pgbouncer` for the service itself; `directly` for its migrations, which use what a shared connection cannot give
 */
export async function databaseEnvironment(
  context: ClusterContext,
  { name, database }: ServiceDeclaration,
  by: 'pgbouncer' | 'directly',
): Promise<Record<string, string>> {
  if (!database) return {};
  const url = async ({ entry, database, node }: { entry: string; database: string; node: string }) => {
    const port = await context.ports.of(by === 'pgbouncer' ? 'pgbouncer.postgresql' : `${node}.postgresql`);
    return `postgres://${name}:${context.secrets.servicePasswords[name]}@${address}:${port}/${by === 'pgbouncer' ? entry : database}`;
  };
  const environment: Record<string, string> = {};
  for (const { shard, primary, replicas } of poolEntries(name, database)) {
    const prefix = database === 'single' ? 'DATABASE' : `DATABASE_SHARD_${shard}`;
    environment[`${prefix}_PRIMARY_URL`] = await url(primary);
    environment[`${prefix}_REPLICA_URLS`] = (await Promise.all(replicas.map(url))).join(',');
  }
  return environment;
}

function settingName(service: string): string {
  return service.toUpperCase().replaceAll('-', '_');
}
