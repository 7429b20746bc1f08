import { join } from 'node:path';
import { ClusterError } from '../cluster.error.ts';
import { renderTemplate } from '../files.ts';
import { address, maximumReplicas } from '../ports.ts';

/** HAProxy's own names: fewest connections, in turn, or the less busy of two drawn at random. */
const algorithms = ['leastconn', 'roundrobin', 'random(2)'] as const;

/** How HAProxy works; from the cluster's `environment.haproxy`, else from the process's environment under `BALANCER_…`. */
export interface BalancerSettings {
  /** Whether it keeps public answers. Default true. */
  cache: boolean;
  /** Whether lists, products and reports are compressed. Default false: it costs HAProxy's one thread more than a local network gains. */
  compression: boolean;
  /** Default `leastconn`: it alone gives a slow replica fewer requests. */
  algorithm: (typeof algorithms)[number];
  /** Shares of the replicas by their number, 1 to 256; those not named have 100. Default none. */
  weights: readonly number[];
}

/** @throws ClusterError `bad-option` */
export function balancerSettings(environment: Readonly<Record<string, string | undefined>>): BalancerSettings {
  const setting = (name: string) => environment[name] ?? process.env[`BALANCER_${name}`];
  const algorithm = setting('ALGORITHM') ?? 'leastconn';
  const known = algorithms.find((one) => one === algorithm);
  if (!known) throw new ClusterError('bad-option', `There is no balancing by "${algorithm}"; there are ${algorithms.join(', ')}`);
  const weights = (setting('WEIGHTS') ?? '').split(',').filter(Boolean).map(Number);
  if (!weights.every((weight) => Number.isInteger(weight) && weight >= 1 && weight <= 256)) {
    throw new ClusterError('bad-option', `Weights are whole numbers from 1 to 256 with commas between, not "${setting('WEIGHTS')}"`);
  }
  return { cache: setting('CACHE') !== 'off', compression: setting('COMPRESSION') === 'on', algorithm: known, weights };
}

export interface BalancerPlaces {
  httpPort: number;
  metricsPort: number;
  /** Path of the socket for the runtime API. */
  adminSocket: string;
}

const compressionLines = ['filter compression', 'compression algo gzip', 'compression type application/json text/csv'].map((line) => `    ${line}`).join('\n');

/** The configuration of `infra/haproxy/haproxy.cfg` for one machine. */
export function haproxyConfig(root: string, { httpPort, metricsPort, adminSocket }: BalancerPlaces, { cache, compression, algorithm }: BalancerSettings): string {
  return renderTemplate(join(root, 'infra/haproxy/haproxy.cfg'), {
    LISTEN_ADDRESS: address,
    PORT: httpPort,
    METRICS_PORT: metricsPort,
    ADMIN_SOCKET: adminSocket,
    SLOTS: maximumReplicas,
    SERVERS: '127.0.0.1:1 disabled',
    CACHE: String(cache),
    BALANCE: algorithm,
    COMPRESSION: compression ? compressionLines : '',
  });
}
