import type { MeasuredCosts } from './measured-costs.ts';

/** What the shop has room for as it ships, read from its sources and manifests. */
export interface Shipped {
  services: readonly {
    name: string;
    /** Nodes of its database that each replica has a pool for; 0 without a database. */
    nodes: number;
    maxReplicas: number;
    /** Partitions of what it consumes; undefined for a service that consumes nothing. */
    partitions: number | undefined;
  }[];
  /** Cores of a replica at which autoscalers add another one. */
  targetCores: number;
  connectionsPerNode: number;
  pgbouncerClients: number;
  /** Cores of a machine that one database or broker may have; an assumption. */
  serverCores: number;
}

export interface Demand {
  factor: number;
  rate: number;
  /** Of each service. */
  replicas: ReadonlyMap<string, number>;
  /** Cores of each kind of process. */
  cores: ReadonlyMap<string, number>;
  mebibytes: number;
  pgbouncerClients: number;
  jobsPerSecond: number;
}

export interface Limit {
  name: string;
  /** Requests per second at which it is reached. */
  rate: number;
  why: string;
  step: string;
}

/** One of two is lost without a request, so there are two of each. */
const LEAST_REPLICAS = 2;
/** Share of a single thread, and of a server, from which queues grow faster than load. */
const FULL_THREAD = 0.8;
const FULL_SERVER = 0.7;

const cpuOf = ({ cpuSeconds }: MeasuredCosts, kind: string) => cpuSeconds.get(kind) ?? 0;

export function replicasAt(costs: MeasuredCosts, { targetCores }: Pick<Shipped, 'targetCores'>, service: string, rate: number): number {
  return Math.max(LEAST_REPLICAS, Math.ceil((cpuOf(costs, service) * rate) / targetCores));
}

const clientsAt = (costs: MeasuredCosts, shipped: Shipped, rate: number) =>
  shipped.services.reduce((sum, { name, nodes }) => sum + replicasAt(costs, shipped, name, rate) * nodes * shipped.connectionsPerNode, 0);

/** What a rate needs, if costs per request stay as measured. */
export function demandAt(costs: MeasuredCosts, shipped: Shipped, target: number, factor: number): Demand {
  const rate = target * factor;
  const replicas = new Map(shipped.services.map(({ name }) => [name, replicasAt(costs, shipped, name, rate)]));
  const cores = new Map([...costs.cpuSeconds].map(([kind, seconds]) => [kind, seconds * rate]));
  const mebibytes = [...costs.mebibytes].reduce((sum, [kind, used]) => sum + used * (replicas.get(kind) ?? (kind === 'postgres-replica' ? 2 : 1)), 0);
  return { factor, rate, replicas, cores, mebibytes, pgbouncerClients: clientsAt(costs, shipped, rate), jobsPerSecond: costs.jobsPerRequest * rate };
}

/** What ends the growth, by the rate at which it does, the first one first. */
export function limitsOf(costs: MeasuredCosts, shipped: Shipped): Limit[] {
  const threads = [
    { kind: 'haproxy', step: '`nbthread` as many as the machine has cores to spare; then a second balancer, by DNS or the cloud\'s' },
    { kind: 'pgbouncer', step: 'a second PgBouncer with half of `default_pool_size`, as the production overlay has it; `so_reuseport` on one machine' },
    { kind: 'session-redis', step: 'Redis Cluster: `SESSION_REDIS_CLUSTER=true`; a session is one key, so nothing else changes' },
    { kind: 'cache-redis', step: 'several, with the keys shared out between them, which is not built; until then longer times in the memory of replicas' },
  ];
  const servers = [
    { kind: 'postgres-primary', count: 1, step: 'first a database machine with more cores; then a primary for each service, by its own Secret, since no service reads another one\'s tables' },
    { kind: 'postgres-replica', count: 2, step: 'a further replica: an entry in PgBouncer and in `DATABASE_REPLICA_URLS`' },
    { kind: 'postgres-shard', count: 1, step: 'a further shard of `orders`, and buckets moved to it: `npm run db -- move-bucket`' },
    { kind: 'kafka', count: 1, step: 'three brokers, and replication by them' },
  ];
  const limits = [
    ...threads.map(({ kind, step }) => ({ name: kind, rate: FULL_THREAD / cpuOf(costs, kind), why: `one thread, ${FULL_THREAD * 100} % busy`, step })),
    ...servers.map(({ kind, count, step }) => ({
      name: kind,
      rate: (FULL_SERVER * shipped.serverCores * count) / cpuOf(costs, kind),
      why: `${count === 1 ? '' : `${count} of `}${shipped.serverCores} cores, ${FULL_SERVER * 100} % busy`,
      step,
    })),
    ...shipped.services.map(({ name, maxReplicas, partitions }) => {
      const most = Math.min(maxReplicas, partitions ?? Infinity);
      return {
        name,
        rate: (most * shipped.targetCores) / cpuOf(costs, name),
        why: partitions !== undefined && partitions <= maxReplicas ? `${partitions} partitions, so as many replicas at most` : `${most} replicas at most`,
        step: partitions === undefined ? 'a larger `maxReplicas`, within the connections below' : 'more partitions, made before they are needed: keys move to others when their number changes',
      };
    }),
    { name: 'clients of PgBouncer', rate: rateOfClients(costs, shipped), why: `${shipped.pgbouncerClients} connections of services`, step: 'a second PgBouncer, or a smaller `poolSize`' },
  ];
  return limits.filter(({ rate }) => Number.isFinite(rate)).sort((a, b) => a.rate - b.rate);
}

/** The first rate, in steps of a hundred, whose replicas have more connections than PgBouncer takes. */
function rateOfClients(costs: MeasuredCosts, shipped: Shipped): number {
  let rate = 100;
  while (clientsAt(costs, shipped, rate) <= shipped.pgbouncerClients) {
    rate += 100;
    if (rate > 1e7) return Infinity;
  }
  return rate;
}
