import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { databaseUrlsOf } from '@tenfold/local-cluster';
import type { ClusterUrls, Secrets, ServiceDeclaration } from '@tenfold/local-cluster';

/** A Secret: its name, and its values by their keys. */
export type SecretValues = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface ShardUrls {
  primary: string;
  replicas: readonly string[];
  owner: string;
}

/** The keys of `<service>-database`, with `shard-<n>-` before each where there are several. */
function databaseSecret(database: ServiceDeclaration['database'], shards: readonly ShardUrls[]): Record<string, string> {
  const entries = shards.flatMap(({ primary, replicas, owner }, shard) => {
    const prefix = database === 'sharded' ? `shard-${shard}-` : '';
    return [
      [`${prefix}primary-url`, primary],
      [`${prefix}replica-urls`, replicas.join(',')],
      [`${prefix}owner-url`, owner],
    ];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

const databases = (declarations: readonly ServiceDeclaration[], shardsOf: (declaration: ServiceDeclaration) => readonly ShardUrls[]) =>
  Object.fromEntries(
    declarations
      .filter(({ database }) => database)
      .map((declaration) => [`${declaration.name}-database`, databaseSecret(declaration.database, shardsOf(declaration))]),
  );

/**
 * What the server of the metrics APIs shows the API server, which takes it unseen.
 *
 * @throws Error without openssl
 */
export function metricsApiSecret(): SecretValues {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '-', '-out', '-', '-subj', '/CN=metrics-api.tenfold.svc', '-days', '3650'];
  const { stdout, stderr, error } = spawnSync('openssl', args, { encoding: 'utf8' });
  const [key, certificate] = stdout?.match(/-----BEGIN [^]*?-----END .*\n/g) ?? [];
  if (key === undefined || certificate === undefined) throw new Error(`openssl, which makes the certificate of metrics-api: ${error?.message ?? stderr}`);
  return { 'metrics-api': { 'tls.key': key, 'tls.crt': certificate } };
}

/** New Secrets for data services inside of the cluster. */
export function newSecrets(declarations: readonly ServiceDeclaration[]): SecretValues {
  const secret = () => randomBytes(24).toString('base64url');
  const [superuser, service, redis] = [secret(), secret(), secret()];
  return {
    'data-passwords': { superuser, service, redis },
    calls: { secret: secret() },
    cookies: { keys: secret() },
    'session-redis': { url: `redis://:${redis}@session-redis:6379` },
    'cache-redis': { url: `redis://:${redis}@cache-redis:6379` },
    mail: { url: 'smtp://mail:1025' },
    ...databases(declarations, ({ name, database }) =>
      [name, ...(database === 'sharded' ? [`${name}_shard_1`] : [])].map((entry) => {
        const url = `postgres://${name}:${service}@postgresql:5432/${entry}`;
        return { primary: url, replicas: [], owner: url };
      }),
    ),
  };
}

/** Secrets by which pods use the servers of a local cluster. */
export function secretsOfCluster(declarations: readonly ServiceDeclaration[], urls: ClusterUrls, secrets: Secrets): SecretValues {
  return {
    calls: { secret: secrets.callsSecret },
    cookies: { keys: secrets.cookieKeys.join(',') },
    'session-redis': { url: urls.sessionRedis },
    'cache-redis': { url: urls.cacheRedis },
    mail: { url: urls.smtp },
    ...databases(declarations, (declaration) => databaseUrlsOf(urls, secrets, declaration)),
  };
}
