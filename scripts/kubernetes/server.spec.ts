import { join } from 'node:path';
import { readDeclarations } from '@tenfold/local-cluster';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { newSecrets } from './deploy-secrets.ts';
import { apply, getAll, kubectl, nameOf, remove } from './kubectl.ts';
import { lostFields } from './lost-fields.ts';
import { findKustomize, ofKind, overlays, readManifests, renderText, root, writeKustomization } from './manifests.ts';
import type { Manifest } from './manifests.ts';
import { installDefinitions } from './resource-definitions.ts';

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

  expect(referred.length).toBeGreaterThan(10);
  expect(referred.filter(({ name, key }) => secrets[name]?.[key] === undefined)).toEqual([]);
});

test('what a server leaves out or changes of an object is told, and other ways to write a quantity are not', () => {
  const wanted = { spec: { cpu: '1000m', memory: '64Mi', target: 20, ports: [{ port: 80, name: 'http' }], gone: true, none: null } };
  const got = { spec: { cpu: '1', memory: '32Mi', target: '20', ports: [{ port: 80, name: 'web', protocol: 'TCP' }] } };

  expect(lostFields(wanted, got)).toEqual(['/spec/memory', '/spec/ports/0/name', '/spec/gone']);
});

describe.skipIf(!given || !kustomize)('an API server', () => {
  // Of its own, so that a shop that runs there is left alone.
  const namespace = 'tenfold-manifests';
  const outsideNamespaces = ['ClusterRole', 'ClusterRoleBinding', 'APIService'];
  const isOutside = ({ kind }: Manifest) => outsideNamespaces.includes(kind);
  const noPods = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'no-pods', namespace }, spec: { hard: { pods: '0' } } };

  let removeDefinitions: () => Promise<void>;
  beforeAll(async () => {
    removeDefinitions = await installDefinitions();
  }, 180_000);
  afterAll(() => removeDefinitions(), 120_000);

  let applied: Manifest[] = [];
  afterEach(async () => {
    // A metrics API that nobody answers for keeps a namespace from going, so it goes first.
    await remove(applied.filter(isOutside));
    await remove(applied.filter(({ kind }) => kind === 'Namespace'));
  }, 120_000);

  /** Everything of an overlay that this server has a kind for, in the namespace of its own. */
  async function forThisServer(overlay: string, components: readonly string[]): Promise<Manifest[]> {
    const folder = writeKustomization('manifests', {
      namespace,
      resources: [`../../k8s/overlays/${overlay}`],
      components: components.map((component) => `../../k8s/components/${component}`),
    });
    const manifests = readManifests(renderText(kustomize ?? [], folder));
    const known = new Set((await kubectl(['api-resources', '--no-headers'])).split('\n').map((line) => line.trim().split(/\s+/).at(-1)));
    const unknown = new Set(manifests.map(({ kind }) => kind).filter((kind) => !known.has(kind)));
    if (unknown.size > 0) process.stderr.write(`${overlay}: nobody looks at ${[...unknown].join(', ')}\n`);
    // What is outside of namespaces, and there already, is somebody's.
    const taken = new Set((await getAll(manifests.filter(isOutside))).map(nameOf));
    const ports = new Set((await kubectl(['get', 'services', '-A', '-o', 'jsonpath={.items[*].spec.ports[*].nodePort}'])).split(' ').map(Number));
    const mine = manifests.filter((manifest) => known.has(manifest.kind) && !taken.has(nameOf(manifest)));
    // A port of the node is one namespace's only: a shop that runs there has it.
    return JSON.parse(JSON.stringify(mine, (key, value: unknown) => (key === 'nodePort' && ports.has(value as number) ? undefined : value))) as Manifest[];
  }

  const cases = [...overlays.map((overlay) => ({ name: overlay, overlay, components: [] })), { name: 'production with calls over TLS', overlay: 'production', components: ['calls-tls'] }];
  test.for(cases)(
    'takes $name, keeps every field of it, and has nothing to change when it is applied again, after autoscalers have looked at it',
    { timeout: 240_000 },
    async ({ overlay, components }) => {
      applied = await forThisServer(overlay, components);
      const objects = applied.filter(({ kind }) => kind !== 'Namespace');
      // Nothing runs: what an image would do is not what this is about.
      await apply([...applied.filter(({ kind }) => kind === 'Namespace'), noPods]);

      expect(await apply(objects)).toHaveLength(objects.length);
      const autoscalers = ofKind(objects, 'HorizontalPodAutoscaler');
      const looksAt = async () => ((await getAll(autoscalers)) as (Manifest & { status: { conditions?: object[] } })[]).filter(({ status }) => (status.conditions ?? []).length > 0);
      await expect.poll(looksAt, { timeout: 90_000, interval: 1_000 }).toHaveLength(autoscalers.length);

      expect(await apply(objects)).toEqual([]);
      const kept = new Map((await getAll(objects)).map((object) => [nameOf(object), object]));
      expect(objects.flatMap((wanted) => lostFields(wanted, kept.get(nameOf(wanted)), nameOf(wanted)))).toEqual([]);
    },
  );
});
