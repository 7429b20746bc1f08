import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { HeapProfiler, Profiler, Runtime } from 'node:inspector';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { callTreeOf } from './call-tree.ts';
import type { CallNode } from './call-tree.ts';
import { flamegraphPage } from './flamegraph.page.ts';
import { ProfileRefused } from './replica.profile.ts';
import type { ProfileKind, ReplicaProfile } from './replica.profile.ts';
import { SourceMaps } from './source-maps.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const titles: Readonly<Record<ProfileKind, string>> = {
  cpu: 'CPU of the main thread',
  heap: 'memory asked for meanwhile and still held',
  allocations: 'memory asked for',
  io: 'waiting',
};

export interface ProfileFiles {
  /** For Chrome's developer tools. */
  profile: string;
  flamegraph: string;
  tree: CallNode;
}

/** Writes a profile for Chrome's developer tools, with the places of the sources, and as a flamegraph. */
export async function writeProfile(taken: ReplicaProfile, directory: string): Promise<ProfileFiles> {
  const { kind, service, startedAt } = taken;
  const maps = new SourceMaps(service.name);
  const tree = callTreeOf(taken, maps);
  const base = join(directory, `${service.replica}-${kind}-${startedAt.slice(0, 19).replaceAll(':', '')}`);
  const files = { profile: `${base}.${kind === 'cpu' || kind === 'io' ? 'cpuprofile' : 'heapprofile'}`, flamegraph: `${base}.html` };
  mkdirSync(directory, { recursive: true });
  const page = await flamegraphPage(tree, {
    title: `${service.replica}: ${titles[kind]}`,
    facts: factsOf(taken),
    unit: unitOf(kind),
  });
  writeFileSync(files.flamegraph, page);
  // The tree was made first: from here on the frames name sources, which have no maps.
  if (kind === 'cpu' || kind === 'io') for (const node of taken.profile.nodes) moveToSource(node.callFrame, maps);
  else moveAllToSource((taken.profile as HeapProfiler.SamplingHeapProfile).head, maps);
  writeFileSync(files.profile, JSON.stringify(taken.profile));
  return { ...files, tree };
}

export function unitOf(kind: ProfileKind): 'milliseconds' | 'bytes' {
  return kind === 'heap' || kind === 'allocations' ? 'bytes' : 'milliseconds';
}

/** What a profile cannot show itself. */
export function factsOf({ service, startedAt, seconds, load, kind }: ReplicaProfile): string[] {
  const facts = [[`${service.name} ${service.version}`.trimEnd(), startedAt, ...(seconds > 0 ? [`${seconds.toFixed(1)} s`] : [])].join(', ')];
  if (load) {
    const share = (part: number) => `${((part / seconds) * 100).toFixed(0)} %`;
    const others = share(load.cpuSeconds - load.mainThreadCpuSeconds);
    // The sampler of CPU profiles wakes the event loop, which then seems busier than it is.
    const loop = kind === 'cpu' ? '' : `The event loop was busy ${share(load.eventLoopUtilization * seconds)} of the time. `;
    facts.push(
      `${loop}Of a core, the main thread used ${share(load.mainThreadCpuSeconds)}, ` +
        `other threads (garbage collector, compiler, hashing) ${others}, which no profile shows.`,
    );
  }
  if (kind === 'io') facts.push('Waiting time of promises that something else settled, added up over all that waited at a time; timers and long polls are among them.');
  return facts;
}

function moveToSource(frame: Runtime.CallFrame, maps: SourceMaps): void {
  const source = maps.find(frame.url, frame.lineNumber, frame.columnNumber);
  if (!source) return;
  Object.assign(frame, { url: pathToFileURL(join(root, source.file)).href, lineNumber: source.line - 1, columnNumber: 0 } satisfies Partial<Runtime.CallFrame>);
}

function moveAllToSource(node: HeapProfiler.SamplingHeapProfileNode, maps: SourceMaps): void {
  moveToSource(node.callFrame, maps);
  for (const child of node.children) moveAllToSource(child, maps);
}

const callFrame = z.looseObject({ functionName: z.string(), url: z.string(), lineNumber: z.number(), columnNumber: z.number() });
const cpuProfile = z.looseObject({ nodes: z.array(z.looseObject({ id: z.number(), callFrame })), startTime: z.number(), endTime: z.number(), samples: z.array(z.number()), timeDeltas: z.array(z.number()) });
const heapProfile = z.looseObject({ head: z.looseObject({ callFrame, selfSize: z.number(), children: z.array(z.unknown()) }) });

/**
 * Reads a profile of V8's form. Such a file says nothing of what surrounded it.
 *
 * @param name of the replica that took it
 * @throws ProfileRefused
 */
export function readProfileFile(name: string, file: string): ReplicaProfile {
  const profile = parsedFile(file);
  const service = { name: name.replace(/-\d+$/, ''), version: '', replica: name };
  const startedAt = statSync(file).mtime.toISOString();
  const cpu = cpuProfile.safeParse(profile);
  if (cpu.success) {
    return { kind: 'cpu', service, startedAt, seconds: (cpu.data.endTime - cpu.data.startTime) / 1_000_000, profile: profile as Profiler.Profile };
  }
  if (heapProfile.safeParse(profile).success) return { kind: 'allocations', service, startedAt, seconds: 0, profile: profile as HeapProfiler.SamplingHeapProfile };
  throw new ProfileRefused(`${file} is neither a .cpuprofile nor a .heapprofile.`);
}

function parsedFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ProfileRefused(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProfileRefused(`${file} is neither a .cpuprofile nor a .heapprofile, or was not written to its end.`, { cause });
  }
}
