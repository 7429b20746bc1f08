import type { HeapProfiler, Profiler, Runtime } from 'node:inspector';
import type { ReplicaProfile } from './replica.profile.ts';
import type { SourceMaps } from './source-maps.ts';

/** A function, by where it stands. */
export interface Frame {
  name: string;
  /** `libs/rpc/src/frame.codec.ts:40`, `node:net:120`; empty for what is not JavaScript. */
  place: string;
  /** Who answers for it: an app or library of ours by its folder, a package by its name, `node`, or what V8 does itself. */
  owner: string;
}

/** One function as called by one chain of callers. Values are milliseconds or bytes. */
export interface CallNode {
  frame: Frame;
  /** Of the function itself. */
  self: number;
  /** With all that it called. */
  total: number;
  children: CallNode[];
}

/** V8's own entries of a CPU profile, as people call them. */
const ownEntries = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'native code'],
]);

/** The profile as a tree of source functions, without the time in which nothing ran; children largest first. */
export function callTreeOf({ kind, profile }: Pick<ReplicaProfile, 'kind' | 'profile'>, maps: SourceMaps): CallNode {
  const tree = new TreeBuilder(maps);
  if (kind === 'cpu' || kind === 'io') addSamples(profile as Profiler.Profile, tree, kind === 'io');
  else addAllocations((profile as HeapProfiler.SamplingHeapProfile).head, [], tree);
  return tree.finish();
}

class TreeBuilder {
  readonly #root: CallNode = { frame: { name: 'all', place: '', owner: '' }, self: 0, total: 0, children: [] };
  readonly #children = new Map<CallNode, Map<string, CallNode>>();
  readonly #frames = new Map<string, Frame>();
  readonly #maps: SourceMaps;

  constructor(maps: SourceMaps) {
    this.#maps = maps;
  }

  /** @param path outermost first */
  add(path: readonly Runtime.CallFrame[], value: number): void {
    if (value === 0) return;
    let node = this.#root;
    for (const callFrame of path) node = this.#childOf(node, this.#frameOf(callFrame));
    node.self += value;
  }

  /** Nest wraps every handler's promise in one of rxjs: who waits for that waits for what is within it. */
  isWrapper(frame: Runtime.CallFrame | undefined): boolean {
    return frame !== undefined && frame.functionName === 'lastValueFrom' && this.#frameOf(frame).owner === 'rxjs';
  }

  finish(): CallNode {
    sum(this.#root);
    return this.#root;
  }

  #childOf(parent: CallNode, frame: Frame): CallNode {
    let children = this.#children.get(parent);
    if (!children) this.#children.set(parent, (children = new Map()));
    const key = `${frame.name} ${frame.place}`;
    let child = children.get(key);
    if (!child) {
      child = { frame, self: 0, total: 0, children: [] };
      children.set(key, child);
      parent.children.push(child);
    }
    return child;
  }

  #frameOf({ functionName, url, lineNumber, columnNumber }: Runtime.CallFrame): Frame {
    const key = `${functionName} ${url} ${lineNumber} ${columnNumber}`;
    let frame = this.#frames.get(key);
    if (!frame) this.#frames.set(key, (frame = this.#resolve(functionName, url, lineNumber, columnNumber)));
    return frame;
  }

  #resolve(functionName: string, url: string, line: number, column: number): Frame {
    const own = ownEntries.get(functionName);
    if (own !== undefined) return { name: own, place: '', owner: own };
    const name = functionName === '' ? '(anonymous)' : functionName;
    if (url === '') return { name, place: '', owner: 'node' };
    if (url.startsWith('node:')) return { name, place: `${url}:${line + 1}`, owner: 'node' };
    const source = this.#maps.find(url, line, column);
    const place = source ? `${source.file}:${source.line}` : `${url.replace(/^file:\/\//, '')}:${line + 1}`;
    return { name, place: place.replace(/^.*node_modules\//, ''), owner: ownerOf(place) };
  }
}

function ownerOf(place: string): string {
  const [, packageName] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place) ?? [];
  if (packageName !== undefined) return packageName;
  return /(?:apps|libs)\/[^/]+/.exec(place)?.[0] ?? 'other';
}

function sum(node: CallNode): number {
  node.total = node.children.reduce((total, child) => total + sum(child), node.self);
  node.children.sort((a, b) => b.total - a.total);
  return node.total;
}

/** A sample lasts until the next one, as Chrome's developer tools take it. */
function addSamples({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, tree: TreeBuilder, isWaiting: boolean): void {
  const parents = new Map<number, Profiler.ProfileNode>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) for (const child of node.children ?? []) parents.set(child, node);
  const microseconds = new Map<number, number>();
  for (const [index, id] of samples.entries()) {
    microseconds.set(id, (microseconds.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  }
  for (const [id, value] of microseconds) {
    const path: Runtime.CallFrame[] = [];
    for (let node = byId.get(id); node; node = parents.get(node.id)) path.unshift(node.callFrame);
    const [, ...below] = path;
    if (below[0]?.functionName === '(idle)' || (isWaiting && tree.isWrapper(below.at(-1)))) continue;
    tree.add(below, value / 1000);
  }
}

function addAllocations(node: HeapProfiler.SamplingHeapProfileNode, above: readonly Runtime.CallFrame[], tree: TreeBuilder): void {
  const path = node.callFrame.functionName === '(root)' ? [] : [...above, node.callFrame];
  tree.add(path, node.selfSize);
  for (const child of node.children) addAllocations(child, path, tree);
}
