import { join } from 'node:path';
import { readDeclarations } from '@tenfold/local-cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newSecrets } from './deploy-secrets.ts';
import { kubectl } from './kubectl.ts';
import { findKustomize, ofKind, overlays, readManifests, renderText, root } from './manifests.ts';

const kustomize = findKustomize();
const given = process.env['KUBECONFIG'] !== undefined;
if (!given) process.stderr.write('No KUBECONFIG is given: no API server looks at the manifests.\n');

const rendered = (overlay: string) => readManifests(renderText(kustomize ?? [], join(root, 'k8s/overlays', overlay)));

test.skipIf(!kustomize)('local has each Secret, with each key, that its pods refer to', () => {
  const secrets = newSecrets(readDeclarations(join(root, 'apps')));
  const manifests = rendered('local');
  const referred = [...ofKind(manifests, 'Deployment'), ...ofKind(manifests, 'Job'), ...ofKind(manifests, 'StatefulSet')]
    .flatMap(({ spec }) => spec.template.spec.containers)
    .flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.secretKeyRef))
    .filter((reference) => reference !== undefined);

  expect(referred.length).toBeGreaterThan(20);
  expect(referred.filter(({ name, key }) => secrets[name]?.[key] === undefined)).toEqual([]);
});

describe.skipIf(!given || !kustomize)('an API server', () => {
  // Of its own, so that a shop that runs there is left alone. What is in a namespace can be looked at only when that is there.
  const namespace = 'tenfold-manifests';
  beforeAll(async () => {
    await kubectl(['create', 'namespace', namespace]);
    await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  });
  afterAll(() => kubectl(['delete', 'namespace', namespace, '--wait']));

  test.for(overlays)('takes every object of %s that it has a kind for, with no field that it does not know', async (overlay) => {
    const known = new Set((await kubectl(['api-resources', '--no-headers'])).split('\n').map((line) => line.trim().split(/\s+/).at(-1)));
    const manifests = rendered(overlay)
      .filter(({ kind }) => known.has(kind) && kind !== 'Namespace')
      .map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, namespace } }));

    // A port of the node is one namespace's only: a shop that runs there has it.
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }, (key, value: unknown) => (key === 'nodePort' ? undefined : value));
    const answer = await kubectl(['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'], list);

    expect(answer.trim().split('\n')).toHaveLength(manifests.length);
  });
});
