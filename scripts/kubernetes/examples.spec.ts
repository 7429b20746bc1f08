import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeclarations } from '@tenfold/local-cluster';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { root } from './manifests.ts';
import type { Manifest } from './manifests.ts';

/** The examples of operators fit what the production overlay expects to find outside. */
interface Example extends Manifest {
  spec: Record<string, unknown> & {
    name: string;
    owner: string;
    instances: number;
    selector: Record<string, string>;
    postgresql: { parameters: Record<string, string> };
    managed: { roles: { name: string }[] };
    kafka: { listeners: { port: number }[]; config: Record<string, unknown> };
    redisConfig: { additionalRedisConfig: string };
  };
  data: Record<string, string>;
}

const examplesIn = (file: string) => parseAllDocuments(readFileSync(join(root, 'k8s/examples', file), 'utf8')).map((document) => document.toJS() as Example);
const ofKind = (examples: readonly Example[], kind: string) => examples.filter((example) => example.kind === kind);

interface Overlay {
  configMapGenerator: { name: string; literals: string[] }[];
}

/** What the overlay says of its surroundings. */
function literal(map: string, key: string): string | undefined {
  const { configMapGenerator } = parse(readFileSync(join(root, 'k8s/overlays/production/kustomization.yaml'), 'utf8')) as Overlay;
  const literals = configMapGenerator.find(({ name }) => name === map)?.literals ?? [];
  return literals.find((text) => text.startsWith(`${key}=`))?.slice(key.length + 1);
}

test('PostgreSQL has databases of services, each with its role, a name for each instance, and as many connections as production counts on', () => {
  const examples = examplesIn('postgresql.cloudnative-pg.yaml');
  const [cluster] = ofKind(examples, 'Cluster');
  const owners = readDeclarations(join(root, 'apps')).filter(({ database }) => database).map(({ name }) => name);
  const databases = ofKind(examples, 'Database').map(({ spec }) => spec.name);
  // A service that was added lately may be missing from an example.
  expect(owners).toEqual(expect.arrayContaining(databases));
  expect(ofKind(examples, 'Database').map(({ spec }) => spec.owner)).toEqual(databases);
  expect(cluster?.spec.managed.roles.map(({ name }) => name)).toEqual(databases);
  expect(cluster?.spec.postgresql.parameters['max_connections']).toBe(literal('data-limits', 'postgresql-max-connections'));
  const instances = Array.from({ length: cluster?.spec.instances ?? 0 }, (_, index) => `${cluster?.metadata.name}-${index + 1}`);
  expect(ofKind(examples, 'Service').map(({ spec }) => spec.selector)).toEqual(instances.map((name) => ({ 'cnpg.io/instanceName': name })));
});

test('Kafka is where production looks for it, and makes no topic by itself', () => {
  const [kafka] = ofKind(examplesIn('kafka.strimzi.yaml'), 'Kafka');
  const { name, namespace } = kafka?.metadata ?? {};
  expect(`${name}-kafka-bootstrap.${namespace}:${kafka?.spec.kafka.listeners[0]?.port}`).toBe(literal('data-services', 'kafka-brokers'));
  expect(kafka?.spec.kafka.config['auto.create.topics.enable']).toBe(false);
});

test.each(['session', 'cache'])('the Redis of the %s keeps and evicts what it does everywhere', (which) => {
  const examples = examplesIn('redis.redis-operator.yaml');
  const redis = examples.find(({ kind, metadata }) => kind.startsWith('Redis') && metadata.name === `${which}-redis`);
  const settings = examples.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === redis?.spec.redisConfig.additionalRedisConfig);
  const ours = readFileSync(join(root, `infra/redis/${which}.conf`), 'utf8');
  for (const setting of ['maxmemory-policy', 'appendonly']) {
    const value = (text = '') => new RegExp(`^${setting} (.+)$`, 'm').exec(text)?.[1];
    expect(value(settings?.data['redis-additional.conf'])).toBe(value(ours));
  }
});
