import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkArithmetic } from './arithmetic.ts';
import type { Finding, ServiceFacts } from './arithmetic.ts';
import { findKustomize, ofKind, overlays, readManifests, renderText, root } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import { readServiceFacts } from './service-facts.ts';

const kustomize = findKustomize();
if (!kustomize) process.stderr.write('Neither kubectl, kustomize nor Go is installed: the manifests are not checked.\n');

describe.skipIf(!kustomize)('the arithmetic of the manifests', () => {
  let facts: ServiceFacts;
  const rendered = new Map<string, string>();

  beforeAll(async () => {
    facts = await readServiceFacts();
    for (const overlay of overlays) rendered.set(overlay, renderText(kustomize ?? [], join(root, 'k8s/overlays', overlay)));
  });

  const read = (overlay: string) => readManifests(rendered.get(overlay) ?? '');

  test.for(overlays)('%s promises nothing that it does not have', (overlay) => {
    expect(checkArithmetic(read(overlay), facts)).toEqual([]);
  });

  const named = <M extends Manifest>(manifests: M[], name: string): M => {
    const found = manifests.find(({ metadata }) => metadata.name === name);
    if (!found) throw new Error(`no ${name}`);
    return found;
  };
  const container = (manifests: Manifest[], name: string) => {
    const [found] = named(ofKind(manifests, 'Deployment'), name).spec.template.spec.containers;
    if (!found) throw new Error(`${name} has no container`);
    return found;
  };

  const mistakes: { mistake: string; rule: Finding['rule']; make: (manifests: Manifest[]) => void }[] = [
    {
      mistake: 'more replicas than PgBouncer has room for',
      rule: 'connections',
      make: (manifests) => (named(ofKind(manifests, 'HorizontalPodAutoscaler'), 'accounts').spec.maxReplicas = 200),
    },
    {
      mistake: 'pools that are larger than the server',
      rule: 'connections',
      make: (manifests) => (named(ofKind(manifests, 'ConfigMap'), 'data-limits').data['pgbouncer-default-pool-size'] = '60'),
    },
    {
      mistake: 'more consumers than partitions',
      rule: 'consumers',
      make: (manifests) => (named(ofKind(manifests, 'HorizontalPodAutoscaler'), 'worker').spec.maxReplicas = 5),
    },
    {
      mistake: 'a heap that does not fit into the limit',
      rule: 'memory',
      make: (manifests) => (container(manifests, 'gateway').args = ['--max-old-space-size=400', '--max-semi-space-size=16', 'main.js']),
    },
    { mistake: 'a heap without a bound', rule: 'memory', make: (manifests) => (container(manifests, 'gateway').args = ['main.js']) },
    {
      mistake: 'a kill before the end of draining',
      rule: 'grace',
      make: (manifests) => (named(ofKind(manifests, 'Deployment'), 'gateway').spec.template.spec.terminationGracePeriodSeconds = 30),
    },
    {
      mistake: 'a metric that nobody exports',
      rule: 'metric',
      make: (manifests) => {
        const [, metric] = named(ofKind(manifests, 'HorizontalPodAutoscaler'), 'gateway').spec.metrics;
        if (metric?.pods) metric.pods.metric.name = 'http_requests_in_flight';
      },
    },
    {
      mistake: "another service's metric",
      rule: 'metric',
      make: (manifests) => {
        const [, metric] = named(ofKind(manifests, 'HorizontalPodAutoscaler'), 'gateway').spec.metrics;
        if (metric?.pods) metric.pods.metric.name = 'password_queue_size';
      },
    },
    {
      mistake: 'an autoscaler on CPU without a request',
      rule: 'metric',
      make: (manifests) => delete container(manifests, 'gateway').resources.requests?.['cpu'],
    },
    {
      mistake: 'fewer replicas at most than at least',
      rule: 'replicas',
      make: (manifests) => (named(ofKind(manifests, 'HorizontalPodAutoscaler'), 'accounts').spec.maxReplicas = 1),
    },
    {
      mistake: 'a port at which nothing listens',
      rule: 'port',
      make: (manifests) => {
        const [port] = container(manifests, 'accounts').ports ?? [];
        if (port) port.containerPort = 7001;
      },
    },
    {
      mistake: 'a Service to a port that no container has',
      rule: 'port',
      make: (manifests) => {
        const [port] = named(ofKind(manifests, 'Service'), 'accounts').spec.ports;
        if (port) port.targetPort = 'rpc';
      },
    },
    {
      mistake: 'a probe where nothing answers',
      rule: 'probe',
      make: (manifests) => (container(manifests, 'gateway').livenessProbe = { httpGet: { path: '/healthz', port: 'operations' } }),
    },
  ];

  test.for(mistakes)('$mistake is found', ({ rule, make }) => {
    const manifests = read('production');
    make(manifests);

    const rules = checkArithmetic(manifests, facts).map((finding) => finding.rule);
    expect(new Set(rules)).toEqual(new Set([rule]));
  });
});
