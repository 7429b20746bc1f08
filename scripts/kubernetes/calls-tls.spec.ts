import { beforeAll, expect, test } from 'vitest';
import { findKustomize, ofKind, readManifests, renderText, writeKustomization } from './manifests.ts';
import type { Manifest } from './manifests.ts';

const kustomize = findKustomize();

let manifests: Manifest[] = [];

beforeAll(() => {
  if (!kustomize) return;
  const folder = writeKustomization('calls-tls', { resources: ['../../k8s/overlays/production'], components: ['../../k8s/components/calls-tls'] });
  manifests = readManifests(renderText(kustomize, folder));
});

test.skipIf(!kustomize)('every service, also one that only calls, has a certificate where it looks for one, in its own name', () => {
  const deployments = ofKind(manifests, 'Deployment');
  expect(deployments.length).toBeGreaterThan(0);
  for (const { metadata, spec } of deployments) {
    const { serviceAccountName, containers, volumes } = spec.template.spec;
    const [container] = containers;
    const directory = container?.env?.find(({ name }) => name === 'CALLS_TLS_DIRECTORY')?.value;
    expect(directory).toMatch(/^\//);
    expect(container?.volumeMounts).toContainEqual({ name: 'calls-tls', mountPath: directory, readOnly: true });
    const attributes = volumes?.find(({ name }) => name === 'calls-tls')?.csi?.volumeAttributes;
    expect(attributes?.['csi.cert-manager.io/common-name']).toBe('${SERVICE_ACCOUNT_NAME}');
    expect(serviceAccountName).toBe(metadata.name);
  }
});
