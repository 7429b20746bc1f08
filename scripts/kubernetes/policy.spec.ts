import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findKustomize, findOrBuild, overlays, renderText, root, smallOverlays } from './manifests.ts';

/** What https://github.com/zegl/kube-score asks for and we do otherwise. */
const exceptions = new Map([
  ['container-image-pull-policy', 'images are asked for by their version, which never names another one'],
  ['deployment-replicas', 'an autoscaler sets them; it does not know that KEDA has some'],
  ['deployment-has-host-podantiaffinity', 'topology spread constraints do it, and also over zones'],
]);

const kustomize = findKustomize();
const score = findOrBuild('kube-score');

interface Scored {
  object_name: string;
  checks: { check: { id: string }; grade: number; skipped: boolean; comments: { path: string; summary: string }[] | null }[];
}

/** Grade of a check that found nothing. */
const allOk = 10;

/** What it finds in these manifests, but for the exceptions. */
function findingsIn(manifests: string): string[] {
  const { stdout, stderr, error } = spawnSync(score ?? '', ['score', '--output-format', 'json', '-'], { input: manifests, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (error) throw error;
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as Scored[]).flatMap(({ object_name: name, checks }) =>
    checks
      .filter(({ check, grade, skipped }) => !skipped && grade < allOk && !exceptions.has(check.id))
      .flatMap(({ check, comments }) => (comments ?? []).map(({ path, summary }) => `${name} ${path}: ${check.id}, ${summary}`)),
  );
}

describe.skipIf(!kustomize || !score)('kube-score', () => {
  const render = (overlay: string) => renderText(kustomize ?? [], join(root, 'k8s/overlays', overlay));

  test.each(overlays.filter((overlay) => !smallOverlays.includes(overlay)))('has nothing to say about the overlay %s', (overlay) => {
    expect(findingsIn(render(overlay))).toEqual([]);
  });

  test('has nothing to say about the metrics API', () => {
    const manifests = render('elasticity').split(/^---$/m).filter((manifest) => /^  name: (metrics-api|default-deny)$/m.test(manifest));
    expect(manifests.length).toBeGreaterThan(1);
    expect(findingsIn(manifests.join('---'))).toEqual([]);
  });

  test('would find a container that may write to its root', () => {
    const loosened = render('production').replaceAll('readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false');
    expect(findingsIn(loosened).join()).toContain('container-security-context-readonlyrootfilesystem');
  });
});
