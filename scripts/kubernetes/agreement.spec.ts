import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeclarations } from '@tenfold/local-cluster';
import { readConfig } from '@tenfold/service';
import type { ConfigOf } from '@tenfold/service';
import { describe, expect, test } from 'vitest';
import { findKustomize, ofKind, overlays, readManifests, renderText, root } from './manifests.ts';
import type { EnvironmentVariable, Manifest, NetworkPolicy } from './manifests.ts';
import { prometheusRules, rulesFile } from './prometheus-rules.ts';

const kustomize = findKustomize();
const declarations = readDeclarations(join(root, 'apps'));

/** What may stand in a Secret, by the name of the variable that is read from it. */
function secretFor(variable: string): string {
  if (variable.startsWith('DATABASE')) return 'postgres://a:b@pgbouncer:6432/c';
  if (variable.includes('REDIS')) return 'redis://:a@redis:6379';
  return variable === 'SMTP_URL' ? 'smtp://mail:25' : 's'.repeat(32);
}

function valueOf({ name, value, valueFrom }: EnvironmentVariable, manifests: readonly Manifest[]): string {
  if (value !== undefined) return value;
  const reference = valueFrom?.configMapKeyRef;
  if (reference) return ofKind(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === reference.name)?.data[reference.key] ?? '';
  return valueFrom?.secretKeyRef ? secretFor(name) : 'pod-1';
}

/** The environment that a pod of a service gets. */
function environmentOf(service: string, manifests: readonly Manifest[]): Record<string, string> {
  const container = ofKind(manifests, 'Deployment').find(({ metadata }) => metadata.name === service)?.spec.template.spec.containers[0];
  const maps = container?.envFrom?.map(({ configMapRef }) => configMapRef?.name) ?? [];
  const settings = ofKind(manifests, 'ConfigMap').filter(({ metadata }) => maps.includes(metadata.name)).map(({ data }) => data);
  const variables = container?.env?.map((variable) => [variable.name, valueOf(variable, manifests)]) ?? [];
  return { ...Object.assign({}, ...settings), ...Object.fromEntries(variables) } as Record<string, string>;
}

const peersOf = (policy: NetworkPolicy | undefined): string[] =>
  [...(policy?.spec.ingress ?? []).flatMap(({ from = [] }) => from), ...(policy?.spec.egress ?? []).flatMap(({ to = [] }) => to)]
    .flatMap(({ podSelector }) => podSelector?.matchExpressions ?? [])
    .flatMap(({ values }) => values)
    .sort();

test("the operator's rules are those of infra/prometheus", () => {
  expect(readFileSync(rulesFile, 'utf8')).toBe(prometheusRules());
});

describe.skipIf(!kustomize).for(overlays)('the overlay %s', (overlay) => {
  const manifests = readManifests(renderText(kustomize ?? [], join(root, 'k8s/overlays', overlay)));
  const names = (kind: 'Deployment' | 'Service' | 'NetworkPolicy') => ofKind(manifests, kind).map(({ metadata }) => metadata.name);

  test('has each service and what belongs to one', () => {
    const services = declarations.map(({ name }) => name);
    expect(names('Deployment').filter((name) => name !== 'metrics-api').sort()).toEqual(services);
    for (const kind of ['Service', 'ServiceAccount', 'PodDisruptionBudget', 'ServiceMonitor', 'PrometheusRule']) {
      expect(manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(services));
    }
    const scaled = [...ofKind(manifests, 'HorizontalPodAutoscaler'), ...ofKind(manifests, 'ScaledObject')].map(({ spec }) => spec.scaleTargetRef.name);
    expect(scaled.sort()).toEqual(services);
    const owners = declarations.filter(({ database }) => database).map(({ name }) => `${name}-migration`);
    expect(ofKind(manifests, 'Job').map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(owners));
  });

  test.for(declarations)('gives $name settings that it boots with, and no others', async ({ name }) => {
    const [file = ''] = globSync(`apps/${name}/src/${name}.settings.ts`, { cwd: root });
    const exported = (await import(join(root, file))) as Record<string, Parameters<typeof readConfig>[0]>;
    const settings = Object.entries(exported).find(([key]) => key.endsWith('Settings'))?.[1] ?? {};
    const environment = environmentOf(name, manifests);

    const config = readConfig(settings, environment) as ConfigOf<Record<string, never>>;

    const known = Object.keys(environment).filter((variable) => variable in config || /^DATABASE_SHARD_\d_/.test(variable));
    expect(known.sort()).toEqual(Object.keys(environment).sort());
  });

  test.for(declarations)('lets $name call those whom it declares, and be called by no others', ({ name, calls }) => {
    const policy = (suffix: string) => ofKind(manifests, 'NetworkPolicy').find(({ metadata }) => metadata.name === `${name}-${suffix}`);
    const callers = declarations.filter((other) => other.calls.includes(name)).map((other) => other.name);
    const addresses = Object.keys(environmentOf(name, manifests)).filter((variable) => variable.startsWith('CALL_ADDRESSES_'));

    expect(peersOf(policy('callees'))).toEqual(calls.toSorted());
    expect(peersOf(policy('callers'))).toEqual(callers);
    expect(addresses.sort()).toEqual(calls.map((callee) => `CALL_ADDRESSES_${callee.toUpperCase().replaceAll('-', '_')}`).sort());
  });

  test.for(declarations)('lets $name reach the data services that it declares, and no others', ({ name, database, uses }) => {
    const expected = [...uses.filter((use) => use !== 'objects'), ...(database ? ['database', 'migration'] : [])].map((use) => `${name}-${use}`);
    const others = ['operations', 'http', 'callers', 'callees'].map((suffix) => `${name}-${suffix}`);
    const found = names('NetworkPolicy').filter((policy) => policy.startsWith(`${name}-`) && !others.includes(policy));

    expect(found.sort()).toEqual(expected.sort());
  });
});
