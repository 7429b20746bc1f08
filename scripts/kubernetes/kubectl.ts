import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { findKubectl } from './manifests.ts';
import type { Manifest } from './manifests.ts';

/** What kubectl said when it failed. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
}

/**
 * Runs kubectl against the cluster of `KUBECONFIG`; resolves to what it prints.
 *
 * @throws KubectlError
 */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const program = findKubectl();
  if (program === undefined) throw new KubectlError('kubectl is not installed: https://kubernetes.io/docs/tasks/tools');
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code, output, errors] = await Promise.all([new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)), text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new KubectlError(`kubectl ${args.join(' ')}: ${errors.trim()}`);
  return output;
}

type Applied = Manifest & { metadata: { resourceVersion: string } };

/** What a list of objects is, one to a line, where the API server made them anew or changed them. */
export async function apply(manifests: readonly (Manifest | object)[]): Promise<string[]> {
  if (manifests.length === 0) return [];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
  const nameOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
  // kubectl prints a list of several, and one by itself; of none that exist, nothing.
  const read = (text: string): Applied[] => {
    const answer = (text.trim() === '' ? { items: [] } : JSON.parse(text)) as Applied | { items: Applied[] };
    return 'items' in answer ? answer.items : [answer];
  };
  const before = new Map(read(await kubectl(['get', '--ignore-not-found', '-o', 'json', '-f', '-'], list)).map((object) => [nameOf(object), object.metadata.resourceVersion]));
  const after = read(await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=tenfold', '-o', 'json', '-f', '-'], list));
  return after.filter((object) => before.get(nameOf(object)) !== object.metadata.resourceVersion).map(nameOf);
}
