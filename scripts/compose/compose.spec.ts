import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maxConnections, poolSize, primaryNode, readDeclarations, replicaNodes, shardNode } from '@tenfold/local-cluster';
import { readConfig } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findKustomize, ofKind, readManifests, renderText, root } from '../kubernetes/manifests.ts';
import type { Container, Manifest } from '../kubernetes/manifests.ts';
import { quantity } from '../kubernetes/quantities.ts';
import { composeFile, serviceTargets, serviceTargetsFile, withServices } from './write-services.ts';

interface Service {
  image: string;
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  cpus?: number;
  mem_limit?: string;
  stop_grace_period?: string;
  profiles?: string[];
  ports?: string[];
  extends?: string;
  environment?: Record<string, string | number>;
  volumes?: string[];
}

const text = readFileSync(composeFile, 'utf8');
// Two notations are compose's own: `!reset`, and a value for a variable that is not set.
const { services } = parse(text.replaceAll('!reset null', 'null').replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1'), { merge: true }) as { services: Record<string, Service> };
const declarations = readDeclarations(join(root, 'apps'));
const own = Object.entries(services).filter(([, { extends: extended }]) => extended === undefined);
const service = (name: string): Service => services[name] ?? { image: 'none' };
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(service(name).environment ?? {}).map(([variable, value]) => [variable, String(value)]));
const memory = (limit = '') => quantity(limit.replace(/m$/, 'Mi'));

test('what follows from the services is written into docker-compose.yml and the targets of Prometheus', () => {
  expect(withServices(text), 'node scripts/compose/write-services.ts writes it').toBe(text);
  expect(readFileSync(serviceTargetsFile, 'utf8')).toBe(serviceTargets());
});

test.for(declarations)('$name boots with what compose gives it', async ({ name }) => {
  const exported = (await import(join(root, `apps/${name}/src/${name}.settings.ts`))) as Record<string, Parameters<typeof readConfig>[0]>;
  const settings = Object.entries(exported).find(([key]) => key.endsWith('Settings'))?.[1] ?? {};
  const environment = environmentOf(name);

  const config = readConfig(settings, environment) as ConfigOf<Record<string, never>>;

  const known = Object.keys(environment).filter((variable) => variable in config || /^DATABASE_SHARD_\d_/.test(variable));
  expect(known.sort()).toEqual(Object.keys(environment).sort());
});

test('every container is hardened and bounded, and its image has a version', () => {
  for (const [name, { image, user = '', read_only: readOnly, cap_drop: dropped, cpus, mem_limit: limit }] of own) {
    expect({ name, readOnly, dropped }).toEqual({ name, readOnly: true, dropped: ['ALL'] });
    expect(user, `user of ${name}`).toMatch(/^[1-9]\d*:\d+$/);
    expect(cpus, `cpus of ${name}`).toBeGreaterThan(0);
    expect(memory(limit), `memory of ${name}`).toBeGreaterThan(0);
    expect(image).toMatch(/:v?\d+\.\d+/);
  }
});

test('nothing is published but on this machine', () => {
  const published = own.flatMap(([, { ports = [] }]) => ports);
  expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

describe('the data services have the settings of the local cluster:', () => {
  test.for([primaryNode, ...replicaNodes, shardNode])('$name', ({ name, copyOf, sharedBuffers }) => {
    const { SHARED_BUFFERS, MAX_CONNECTIONS, PRIMARY_HOST, PRIMARY_SLOT } = environmentOf(name);
    expect({ SHARED_BUFFERS, MAX_CONNECTIONS, PRIMARY_HOST, PRIMARY_SLOT }).toEqual({
      SHARED_BUFFERS: sharedBuffers,
      MAX_CONNECTIONS: String(maxConnections(declarations.filter(({ database }) => database).length)),
      PRIMARY_HOST: copyOf ?? '',
      PRIMARY_SLOT: copyOf === undefined ? '' : name.replaceAll('-', '_'),
    });
  });

  test('PgBouncer', () => {
    expect(environmentOf('pgbouncer')['POOL_SIZE']).toBe(String(poolSize));
  });

  test.for(['postgres-primary', 'pgbouncer', 'session-redis', 'cache-redis', 'kafka', 'mail', 'haproxy', 'prometheus'])('%s has a value for each that its files ask for', (name) => {
    const files = [...text.slice(text.indexOf(`\n  ${name}:\n`)).split(/\n\n/)[0]?.matchAll(/\/infra\/[\w./-]+/g) ?? []].map(([file]) => file);
    const templates = name.startsWith('postgres') ? ['/infra/postgresql/postgresql.conf', '/infra/postgresql/pg_hba.conf'] : files.filter((file) => /\.(conf|cfg|ini|json|yml|txt|properties)$/.test(file));
    const asked = templates.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(/\$\{([A-Z_]+)\}/g)].map(([, variable = '']) => variable));
    const given = [...Object.keys(environmentOf(name)), ...(name.startsWith('postgres') ? ['PRIMARY_CONNINFO'] : [])];
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((variable) => !given.includes(variable))).toEqual([]);
  });
});

const kustomize = findKustomize();

describe.skipIf(!kustomize)('with Kubernetes, its overlay local', () => {
  const manifests: readonly Manifest[] = kustomize ? readManifests(renderText(kustomize, join(root, 'k8s/overlays/local'))) : [];
  const containerOf = (name: string): Container | undefined =>
    [...ofKind(manifests, 'Deployment'), ...ofKind(manifests, 'StatefulSet'), ...ofKind(manifests, 'Job')].find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers[0];

  /** What is the same wherever a service runs: not secrets, whose keys agree all the same. */
  const settingsOf = (name: string): Record<string, string | undefined> => {
    const { envFrom = [], env = [] } = containerOf(name) ?? {};
    const maps = ofKind(manifests, 'ConfigMap').filter(({ metadata }) => envFrom.some(({ configMapRef }) => configMapRef?.name === metadata.name));
    return { ...Object.assign({}, ...maps.map(({ data }) => data)), ...Object.fromEntries(env.map(({ name, value }) => [name, value])) } as Record<string, string | undefined>;
  };

  test.for(declarations)('$name has the same settings', ({ name }) => {
    const inKubernetes = settingsOf(name);
    // Only here is there a balancer that is believed.
    const { TRUSTED_PROXIES: _proxies, ...inCompose } = environmentOf(name);

    expect(Object.keys(inCompose).sort()).toEqual(Object.keys(inKubernetes).sort());
    const given = Object.entries(inKubernetes).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(given.map(([variable]) => [variable, inCompose[variable]]))).toEqual(Object.fromEntries(given));
  });

  test.for(declarations)('$name has the same limits, options of Node and time to end', ({ name }) => {
    const { resources, args = [] } = containerOf(name) ?? {};
    const { cpus, mem_limit: limit, stop_grace_period: grace } = service(name);
    const deployment = ofKind(manifests, 'Deployment').find(({ metadata }) => metadata.name === name);

    expect({ cpus, memory: memory(limit), grace }).toEqual({
      cpus: Number(resources?.limits?.['cpu']),
      memory: memory(resources?.limits?.['memory']),
      grace: `${deployment?.spec.template.spec.terminationGracePeriodSeconds}s`,
    });
    const command = /^CMD (\[.*\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1] ?? '[]';
    expect(JSON.parse(command)).toEqual(args);
  });

  test('migrations and topics are the same', () => {
    const jobs = ofKind(manifests, 'Job').map(({ metadata }) => metadata.name);
    const once = Object.keys(services).filter((name) => name.endsWith('-migration') || name === 'topics');
    expect(once.sort()).toEqual(jobs.sort());
  });

  test.for([['postgres-primary', 'postgresql'], ['session-redis', 'session-redis'], ['cache-redis', 'cache-redis'], ['kafka', 'kafka'], ['mail', 'mail']] as const)(
    '%s has the same image and limits',
    ([name, inKubernetes]) => {
      const { image, resources } = containerOf(inKubernetes) ?? {};
      const { cpus, mem_limit: limit } = service(name);
      expect({ image: service(name).image, cpus, memory: memory(limit) }).toEqual({ image, cpus: Number(resources?.limits?.['cpu']), memory: memory(resources?.limits?.['memory']) });
    },
  );
});

const compose = [['docker', 'compose'], ['docker-compose']].find(([program = '', ...args]) => spawnSync(program, [...args, 'version']).status === 0);
if (!compose) process.stderr.write('Neither docker compose nor docker-compose is installed: docker-compose.yml is read by us alone.\n');

test.skipIf(!compose).for(['small', 'full'])('docker compose takes the set %s', (set) => {
  const [program = '', ...args] = compose ?? [];
  const { status, stderr } = spawnSync(program, [...args, '--file', composeFile, ...(set === 'full' ? ['--profile', 'full'] : []), 'config', '--quiet'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
