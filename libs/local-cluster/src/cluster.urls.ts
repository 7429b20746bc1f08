import type { ClusterContext } from './cluster.context.ts';
import type { ComponentName } from './components/component-names.ts';
import { primaryNode, replicaNodes, shardNode, superuserUrl } from './components/postgresql.component.ts';
import { address } from './ports.ts';

/** Where to reach what. Addresses of components that were not started are of no use. */
export interface ClusterUrls {
  /** The public HTTP API, through HAProxy. */
  gateway: string;
  /** HTTP of the mail sink: an inbox for people, an API for tests. */
  mail: string;
  smtp: string;
  sessionRedis: string;
  cacheRedis: string;
  /** `host:port` of the broker. */
  kafka: string;
  /** Prometheus, when the cluster was started with `metrics`. */
  prometheus: string;
  /** Zipkin, when the cluster was started with `traces`. */
  zipkin: string;
  /** Superuser URLs without a database; straight to the servers, not through PgBouncer. */
  postgres: { primary: string; replicas: string[]; shard1: string };
  /** Superuser URL of PgBouncer without a database; `pgbouncer` is its admin console. */
  pgbouncer: string;
  /** Operations port of each replica, by its name. */
  operations: Record<string, string>;
}

/** Decides on the ports of all components that will run, and says where they are. */
export async function clusterUrls(context: ClusterContext, components: readonly ComponentName[]): Promise<Omit<ClusterUrls, 'operations'>> {
  const { ports, secrets } = context;
  const portOf = async (component: ComponentName, name: string) => (components.includes(component) ? ports.of(name) : 0);
  const redis = async (name: 'session-redis' | 'cache-redis') => `redis://:${secrets.redisPassword}@${address}:${await portOf(name, `${name}.redis`)}`;
  const node = async (name: string) => superuserUrl(context, await portOf('postgresql', `${name}.postgresql`));
  return {
    gateway: `http://${address}:${await portOf('haproxy', 'haproxy.http')}`,
    mail: `http://${address}:${await portOf('mail', 'mail.http')}`,
    smtp: `smtp://${address}:${await portOf('mail', 'mail.smtp')}`,
    sessionRedis: await redis('session-redis'),
    cacheRedis: await redis('cache-redis'),
    prometheus: `http://${address}:${context.extras.has('metrics') ? await ports.of('prometheus.http') : 0}`,
    zipkin: `http://${address}:${context.extras.has('traces') ? await ports.of('zipkin.http') : 0}`,
    kafka: `${address}:${await portOf('kafka', 'kafka.kafka')}`,
    postgres: {
      primary: await node(primaryNode.name),
      replicas: await Promise.all(replicaNodes.map(({ name }) => node(name))),
      shard1: await node(shardNode.name),
    },
    pgbouncer: superuserUrl(context, await portOf('pgbouncer', 'pgbouncer.postgresql')),
  };
}
