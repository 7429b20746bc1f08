import type { ServiceDeclaration } from '@tenfold/local-cluster';
import { ofKind } from './manifests.ts';
import type { Container, Deployment, Manifest, PodTemplate } from './manifests.ts';
import { quantity } from './quantities.ts';

/** What the manifests must agree with, of the services themselves. */
export interface ServiceFacts {
  declarations: readonly ServiceDeclaration[];
  /** Connections of a process to one node of its database: the pool and the one that watches. */
  connectionsPerNode: number;
  /** Partitions of the topics that a service consumes; empty for one that consumes none. */
  partitionsOf(service: string): readonly number[];
  /** Names of the metrics that a service exports. */
  metricsOf(service: string): ReadonlySet<string>;
  /** Paths of the operations port. */
  operationsPaths: ReadonlySet<string>;
  /** Milliseconds that the longest request may take. */
  longestRequestMs: number;
}

export interface Finding {
  rule: 'connections' | 'consumers' | 'memory' | 'grace' | 'metric' | 'replicas' | 'port' | 'probe';
  resource: string;
  message: string;
}

/** Room beside the young and the old generation of the heap: code, stacks, buffers, the sockets of a busy replica. */
const besideHeap = '96Mi';
export const besideHeapAnnotation = 'tenfold.dev/memory-beside-heap';
/** Migrations, seeding, a person with psql; and what PostgreSQL keeps for superusers. */
const otherConnections = 20;
const superuserConnections = 3;
/** Seconds that the kubelet and the process need between the steps of an end. */
const slackSeconds = 2;

/** What an overlay promises more of than there is, or asks of the services what they do not have. */
export function checkArithmetic(manifests: readonly Manifest[], facts: ServiceFacts): Finding[] {
  const replicas = replicasOf(manifests);
  return [
    ...checkConnections(manifests, replicas, facts),
    ...checkReplicas(replicas, facts),
    ...checkMetrics(manifests, facts),
    ...ofKind(manifests, 'Deployment').flatMap(checkMemory),
    ...ofKind(manifests, 'Deployment')
      .filter(isService)
      .flatMap((deployment) => [...checkGrace(deployment, facts), ...checkPorts(deployment, manifests, facts)]),
  ];
}

const isService = ({ spec: { template } }: Deployment): boolean => template.metadata?.labels?.['app.kubernetes.io/component'] === 'service';

interface Replicas {
  minimum: number;
  maximum: number;
  /** Pods that may be there beyond the maximum while a rollout is under way. */
  surge: number;
}

function replicasOf(manifests: readonly Manifest[]): Map<string, Replicas> {
  const surges = new Map(ofKind(manifests, 'Deployment').map((deployment) => [deployment.metadata.name, deployment.spec.strategy?.rollingUpdate?.maxSurge ?? 1]));
  const autoscalers = ofKind(manifests, 'HorizontalPodAutoscaler').map(({ spec }) => ({ name: spec.scaleTargetRef.name, minimum: spec.minReplicas ?? 1, maximum: spec.maxReplicas }));
  const scaled = ofKind(manifests, 'ScaledObject').map(({ spec }) => ({ name: spec.scaleTargetRef.name, minimum: spec.minReplicaCount ?? 0, maximum: spec.maxReplicaCount }));
  return new Map([...autoscalers, ...scaled].map(({ name, minimum, maximum }) => [name, { minimum, maximum, surge: surges.get(name) ?? 0 }]));
}

function checkConnections(manifests: readonly Manifest[], replicas: ReadonlyMap<string, Replicas>, facts: ServiceFacts): Finding[] {
  const limits = ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === 'data-limits')?.data;
  const finding = (message: string): Finding => ({ rule: 'connections', resource: 'ConfigMap data-limits', message });
  if (!limits) return [finding('is missing: it says what PostgreSQL and PgBouncer allow')];
  const limit = (name: string) => Number(limits[name]);
  const owners = facts.declarations.filter(({ database }) => database !== undefined);
  // The pods of all services with a database, each with a pool for each node that it is told of.
  const clients = (nodesOf: (shards: number) => number) =>
    owners.reduce((sum, { name, database }) => {
      const { maximum = 0, surge = 0 } = replicas.get(name) ?? {};
      return sum + (maximum + surge) * nodesOf(database === 'sharded' ? 2 : 1) * facts.connectionsPerNode;
    }, 0);
  const available = limit('postgresql-max-connections') - superuserConnections - otherConnections;
  const instances = limit('pgbouncer-instances');
  if (instances === 0) {
    const wanted = clients((shards) => shards);
    return wanted <= available ? [] : [finding(`the pods may open ${wanted} connections to PostgreSQL itself, which has room for ${available}`)];
  }
  const findings: Finding[] = [];
  const opened = instances * limit('pgbouncer-default-pool-size') * owners.length;
  if (opened > available) findings.push(finding(`PgBouncer may open ${opened} connections to a server that has room for ${available}`));
  // The first shard has two replicas, a further one none; and one PgBouncer may be away.
  const wanted = clients((shards) => 3 + (shards - 1));
  const room = Math.max(1, instances - 1) * limit('pgbouncer-max-client-conn');
  if (wanted > room) findings.push(finding(`the pods may open ${wanted} connections to PgBouncer, which has room for ${room}`));
  return findings;
}

function checkReplicas(replicas: ReadonlyMap<string, Replicas>, facts: ServiceFacts): Finding[] {
  return [...replicas].flatMap(([name, { minimum, maximum }]) => {
    const findings: Finding[] = [];
    if (minimum > maximum) findings.push({ rule: 'replicas', resource: name, message: `at least ${minimum} replicas and at most ${maximum}` });
    const partitions = facts.partitionsOf(name);
    if (partitions.length > 0 && maximum > Math.max(...partitions)) {
      findings.push({ rule: 'consumers', resource: name, message: `${maximum} consumers, and no topic with more than ${Math.max(...partitions)} partitions: the others would stand idle` });
    }
    return findings;
  });
}

function checkMetrics(manifests: readonly Manifest[], facts: ServiceFacts): Finding[] {
  return ofKind(manifests, 'HorizontalPodAutoscaler').flatMap(({ spec }) => {
    const service = spec.scaleTargetRef.name;
    const exported = facts.metricsOf(service);
    const container = ofKind(manifests, 'Deployment').find(({ metadata }) => metadata.name === service)?.spec.template.spec.containers[0];
    return spec.metrics.flatMap(({ resource, pods, external }): Finding[] => {
      const metric = pods?.metric.name ?? external?.metric.name;
      if (metric !== undefined && !exported.has(metric)) return [{ rule: 'metric', resource: service, message: `is scaled by ${metric}, which it does not export` }];
      if (resource && container?.resources.requests?.[resource.name] === undefined) {
        return [{ rule: 'metric', resource: service, message: `is scaled by ${resource.name}, of which its container requests nothing` }];
      }
      return [];
    });
  });
}

const serviceContainer = ({ spec }: PodTemplate): Container => {
  const [container] = spec.containers;
  if (!container) throw new Error('a pod without a container');
  return container;
};

function checkMemory({ metadata, spec: { template } }: Deployment): Finding[] {
  const { args = [], resources } = serviceContainer(template);
  const flag = (name: string) => Number(args.find((argument) => argument.startsWith(`--${name}=`))?.split('=')[1]);
  // The young generation is two semi-spaces and what survives a collection on its way to the old one (V8's heap.cc).
  const heap = (flag('max-old-space-size') + 3 * flag('max-semi-space-size')) * 2 ** 20;
  const rest = quantity(template.metadata?.annotations?.[besideHeapAnnotation] ?? besideHeap);
  const limit = resources.limits?.['memory'];
  const finding = (message: string): Finding[] => [{ rule: 'memory', resource: metadata.name, message }];
  if (Number.isNaN(heap)) return finding('has no --max-old-space-size and --max-semi-space-size: its heap is bounded by nothing');
  if (limit === undefined) return finding('has no memory limit');
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)}Mi`;
  return quantity(limit) >= heap + rest ? [] : finding(`has a limit of ${limit}, below ${megabytes(heap)} of heap and ${megabytes(rest)} beside it`);
}

function checkGrace({ metadata, spec: { template } }: Deployment, facts: ServiceFacts): Finding[] {
  const container = serviceContainer(template);
  const seconds = (name: string) => Number(container.env?.find((variable) => variable.name === name)?.value) / 1000;
  const grace = template.spec.terminationGracePeriodSeconds ?? 30;
  const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const findings: Finding[] = [];
  const finding = (message: string) => findings.push({ rule: 'grace', resource: metadata.name, message });
  const shutdown = seconds('SHUTDOWN_GRACE_MS');
  if (!(preStop + shutdown + slackSeconds <= grace)) finding(`is killed after ${grace} s, within preStop (${preStop} s) and SHUTDOWN_GRACE_MS (${shutdown} s)`);
  const needed = seconds('DRAIN_DELAY_MS') + facts.longestRequestMs / 1000;
  if (!(needed + slackSeconds <= shutdown)) finding(`gives up after ${shutdown} s, before DRAIN_DELAY_MS and a request of the longest kind are over (${needed} s)`);
  return findings;
}

function checkPorts({ metadata, spec: { template } }: Deployment, manifests: readonly Manifest[], facts: ServiceFacts): Finding[] {
  const container = serviceContainer(template);
  const findings: Finding[] = [];
  const declared = facts.declarations.find(({ name }) => name === metadata.name)?.ports ?? [];
  const ports = new Map(container.ports?.map(({ name, containerPort }) => [name, containerPort]));
  const finding = (rule: 'port' | 'probe', message: string) => findings.push({ rule, resource: metadata.name, message });
  for (const name of declared) if (!ports.has(name)) finding('port', `does not open the port ${name} that it declares`);
  for (const [name, port] of ports) {
    const listens = container.env?.find((variable) => variable.name === `${name.toUpperCase()}_PORT`)?.value;
    if (listens !== String(port)) finding('port', `opens ${name} at ${port} and listens at ${listens ?? 'none'}`);
  }
  const service = ofKind(manifests, 'Service').find((candidate) => candidate.metadata.name === metadata.name);
  for (const { name, targetPort } of service?.spec.ports ?? []) {
    if (!ports.has(String(targetPort))) finding('port', `its Service sends ${name} to ${targetPort}, which no container opens`);
  }
  for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe].filter((probe) => probe !== undefined)) {
    if (httpGet && (httpGet.port !== 'operations' || !facts.operationsPaths.has(httpGet.path))) {
      finding('probe', `is probed at ${httpGet.path} of ${httpGet.port}, where nothing answers`);
    }
  }
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) if (!container[probe]) finding('probe', `has no ${probe}`);
  return findings;
}
