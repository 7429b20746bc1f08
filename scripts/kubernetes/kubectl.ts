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

/** An object as the API server tells it. */
type Applied = Manifest & { metadata: { resourceVersion: string }; status?: unknown };

/** What an object is called among those of its namespace. */
export const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;

/** What of an object stays the same while nobody changes it. */
const substance = ({ status: _status, metadata: { resourceVersion: _version, ...metadata }, ...object }: Applied) => JSON.stringify({ ...object, metadata });

const listOf = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** kubectl prints a list of several, and one by itself; of none that exist, nothing. */
function read(text: string): Applied[] {
  const answer = (text.trim() === '' ? { items: [] } : JSON.parse(text)) as Applied | { items: Applied[] };
  return 'items' in answer ? answer.items : [answer];
}

/** Those of a list of objects that exist, as they are. */
export async function getAll(manifests: readonly object[]): Promise<Applied[]> {
  if (manifests.length === 0) return [];
  return read(await kubectl(['get', '--ignore-not-found', '-o', 'json', '-f', '-'], listOf(manifests)));
}

/** What a list of objects is, one to a line, where the API server made them anew or changed them: of more than their status. */
export async function apply(manifests: readonly object[]): Promise<string[]> {
  if (manifests.length === 0) return [];
  const before = new Map((await getAll(manifests)).map((object) => [nameOf(object), substance(object)]));
  const after = read(await kubectl(['apply', '--server-side', '--validate=strict', '--force-conflicts', '--field-manager=tenfold', '-o', 'json', '-f', '-'], listOf(manifests)));
  return after.filter((object) => before.get(nameOf(object)) !== substance(object)).map(nameOf);
}

/** Deletes a list of objects, and waits until they are gone. */
export async function remove(manifests: readonly object[]): Promise<void> {
  if (manifests.length > 0) await kubectl(['delete', '--ignore-not-found', '--wait', '-f', '-'], listOf(manifests));
}
