import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { maxConnections, poolEntries, poolSize, readDeclarations } from '@tenfold/local-cluster';
import type { ServiceDeclaration } from '@tenfold/local-cluster';
import { parse } from 'yaml';
import type { Deployment } from '../kubernetes/manifests.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const composeFile = join(root, 'docker-compose.yml');
export const serviceTargetsFile = join(root, 'infra/prometheus/targets/services.json');

const password = (name: string) => `\${${name.toUpperCase()}_PASSWORD:-local-${name}}`;
const version = '${TENFOLD_VERSION:-0.1.0}';

type Settings = Record<string, string>;

/** A deployment or a part of one; those of components and services have one container. */
const deploymentAt = (file: string) => (parse(readFileSync(join(root, 'k8s', file), 'utf8')) as Deployment).spec.template.spec.containers[0];

/** What every pod has of settings with a value of their own. */
function commonSettings(): Settings {
  const variables = deploymentAt('components/service/deployment.yaml')?.env ?? [];
  return Object.fromEntries(variables.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

/** What stands in the service's own configMapGenerator. */
function ownSettings(service: string): Settings {
  const { configMapGenerator = [] } = parse(readFileSync(join(root, 'k8s/base', service, 'kustomization.yaml'), 'utf8')) as { configMapGenerator?: { literals: string[] }[] };
  return Object.fromEntries(configMapGenerator.flatMap(({ literals }) => literals).map((literal) => literal.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

/** Kubernetes' `448Mi` as `448m`. */
function memoryLimit(service: string): string {
  const own = existsSync(join(root, 'k8s/base', service, 'sizes.yaml')) ? deploymentAt(`base/${service}/sizes.yaml`) : undefined;
  const limit = own?.resources.limits?.['memory'] ?? deploymentAt('components/service/deployment.yaml')?.resources.limits?.['memory'] ?? '';
  return limit.replace(/^(\d+)Mi$/, '$1m');
}

function databaseUrls({ name, database }: ServiceDeclaration, by: 'pgbouncer' | 'directly'): Settings {
  if (!database) return {};
  const urlOf = ({ entry, database, node }: { entry: string; database: string; node: string }) =>
    `postgres://${name}:${password('service')}@${by === 'pgbouncer' ? `pgbouncer:6432/${entry}` : `${node}:5432/${database}`}`;
  return Object.fromEntries(
    poolEntries(name, database).flatMap(({ shard, primary, replicas }) => {
      const prefix = database === 'single' ? 'DATABASE' : `DATABASE_SHARD_${shard}`;
      const reads = by === 'pgbouncer' ? [[`${prefix}_REPLICA_URLS`, replicas.map(urlOf).join(',')]] : [];
      return [[`${prefix}_PRIMARY_URL`, urlOf(primary)], ...reads] as [string, string][];
    }),
  );
}

function settingsOf(declaration: ServiceDeclaration): Settings {
  const { name, ports, uses, calls } = declaration;
  return {
    REPLICA: `${name}-1`,
    ...ownSettings(name),
    ...(ports.includes('calls') && { CALLS_PORT: '7000' }),
    ...((ports.includes('calls') || calls.length > 0) && { CALLS_SECRET: '${CALLS_SECRET:-local-secret-of-calls-between-services}' }),
    ...(ports.includes('http') && {
      HTTP_PORT: '8080',
      COOKIE_KEYS: '${COOKIE_KEYS:-local-key-that-signs-cookies-and-cursors}',
      // No TLS on this machine; whoever reaches the gateway comes by the balancer.
      COOKIE_SECURE: 'false',
      TRUSTED_PROXIES: '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16',
    }),
    ...databaseUrls(declaration, 'pgbouncer'),
    ...(uses.includes('session-redis') && { SESSION_REDIS_URL: `redis://:${password('redis')}@session-redis:6379` }),
    ...(uses.includes('cache-redis') && { CACHE_REDIS_URL: `redis://:${password('redis')}@cache-redis:6379` }),
    ...(uses.includes('kafka') && { KAFKA_BROKERS: 'kafka:9092' }),
    ...(uses.includes('mail') && { SMTP_URL: 'smtp://mail:1025' }),
    ...(uses.includes('objects') && { OBJECT_STORE_DIR: '/objects' }),
  };
}

const lines = (settings: Settings, indent: string) => Object.entries(settings).map(([name, value]) => `${indent}${name}: '${value}'`);

function blockOf(declaration: ServiceDeclaration): string[] {
  const { name, database, uses } = declaration;
  const image = `tenfold/${name}:${version}`;
  const first = [...(database ? [`${name}-migration`, 'seed'] : []), ...(uses.includes('kafka') ? ['topics'] : [])];
  return [
    `  ${name}:`,
    '    <<: *service',
    `    image: ${image}`,
    `    build: { context: ., args: { SERVICE: ${name} } }`,
    `    mem_limit: ${memoryLimit(name)}`,
    '    environment:',
    '      <<: *settings',
    ...lines(settingsOf(declaration), '      '),
    ...(uses.includes('objects') ? ["    volumes: ['objects:/objects']"] : []),
    ...(first.length > 0 ? ['    depends_on:', ...first.map((other) => `      ${other}: { condition: service_completed_successfully }`)] : []),
    '',
    `  ${name}-2:`,
    `    extends: ${name}`,
    '    profiles: [full]',
    '    build: !reset null',
    '    pull_policy: never',
    `    environment: { REPLICA: ${name}-2 }`,
    '    networks:',
    `      services: { aliases: [${name}] }`,
    '',
    ...(database
      ? [`  ${name}-migration:`, '    <<: *migration', `    image: ${image}`, '    environment:', ...lines(databaseUrls(declaration, 'directly'), '      '), '']
      : []),
  ];
}

/** Fills the data once all tables are there. */
function seed(owners: readonly ServiceDeclaration[]): string[] {
  return [
    '  seed:',
    '    <<: [*tools, *once]',
    '    pull_policy: never',
    "    command: [loadtests/src/seed/seed.main.ts, --scale, '${SEED_SCALE:-0.05}']",
    '    environment: *servers',
    '    depends_on:',
    ...owners.map(({ name }) => `      ${name}-migration: { condition: service_completed_successfully }`),
    '      postgres-replica-1: { condition: service_healthy }',
    '      postgres-replica-2: { condition: service_healthy }',
    '',
  ];
}

function pgbouncer(owners: readonly ServiceDeclaration[]): string[] {
  const entries = owners.flatMap(({ name, database }) => (database ? poolEntries(name, database).flatMap(({ primary, replicas }) => [primary, ...replicas]) : []));
  const logins: [string, string][] = [['postgres', password('superuser')], ...owners.map(({ name }): [string, string] => [name, password('service')])];
  return [
    '  pgbouncer:',
    '    <<: *hardened',
    '    image: edoburu/pgbouncer:v1.25.1-p0',
    "    user: '70:70'",
    '    entrypoint: [sh, /infra/run.sh, /infra/pgbouncer/pgbouncer.ini, /run/tenfold/pgbouncer.ini, /infra/pgbouncer/userlist.txt, /run/tenfold/userlist.txt, --, pgbouncer, /run/tenfold/pgbouncer.ini]',
    '    environment:',
    '      LISTEN_ADDRESS: 0.0.0.0',
    '      PORT: 6432',
    '      AUTH_FILE: /run/tenfold/userlist.txt',
    `      POOL_SIZE: ${poolSize}`,
    '      DATABASES: |-',
    ...entries.map(({ entry, database, node }) => `        ${entry} = host=${node} port=5432 dbname=${database}`),
    '      USERS: |-',
    ...logins.map(([login, secret]) => `        "${login}" "${secret}"`),
    '    cpus: 1',
    '    mem_limit: 128m',
    "    tmpfs: ['/run/tenfold:mode=1777']",
    "    volumes: ['./infra:/infra:ro']",
    '    networks: [data]',
    '    healthcheck: { test: [CMD, pg_isready, -h, 127.0.0.1, -p, "6432", -U, postgres], interval: 5s, timeout: 5s, retries: 24, start_period: 300s }',
    '',
  ];
}

/** The lines between `begin <name>` and `end <name>`, replaced. */
function replaceBetween(text: string, name: string, written: readonly string[]): string {
  const between = new RegExp(`^( *# begin ${name}\\b.*\\n)[^]*?^( *# end ${name})$`, 'm');
  if (!between.test(text)) throw new Error(`docker-compose.yml has no "# begin ${name}" and "# end ${name}"`);
  return text.replace(between, (_, begin: string, end: string) => `${begin}${written.map((line) => `${line}\n`).join('')}${end}`);
}

/** The text of docker-compose.yml with what follows from the services as they are now; the rest was written by hand. */
export function withServices(text: string): string {
  const declarations = readDeclarations(join(root, 'apps'));
  const owners = declarations.filter(({ database }) => database);
  const services = [...declarations.flatMap(blockOf), ...seed(owners), ...pgbouncer(owners)];
  const common = ['x-settings: &settings', ...lines(commonSettings(), '  '), '', `x-connections: &connections { MAX_CONNECTIONS: ${maxConnections(owners.length)} }`];
  return replaceBetween(replaceBetween(text, 'settings', common), 'services', services.slice(0, -1));
}

/** Whom Prometheus asks of the full set. */
export function serviceTargets(): string {
  const replicas = readDeclarations(join(root, 'apps')).flatMap(({ name }) => [
    { targets: [`${name}:8081`], labels: { service: name, replica: `${name}-1` } },
    { targets: [`${name}-2:8081`], labels: { service: name, replica: `${name}-2` } },
  ]);
  return `${JSON.stringify(replicas, undefined, 2)}\n`;
}

if (import.meta.main) {
  writeFileSync(composeFile, withServices(readFileSync(composeFile, 'utf8')));
  writeFileSync(serviceTargetsFile, serviceTargets());
}
