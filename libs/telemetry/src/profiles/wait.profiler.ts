import { createHook } from 'node:async_hooks';
import type { Profiler } from 'node:inspector';
import { performance } from 'node:perf_hooks';

/** One place in the code that waited, innermost first. */
interface WaitingPlace {
  frames: Profiler.ProfileNode['callFrame'][];
  microseconds: number;
}

interface OpenWait {
  place: WaitingPlace;
  since: number;
}

/** Stacks looked at per second: more would slow what is being looked at. */
const looksPerSecond = 2_000;
const framesKept = 32;
/** Milliseconds in which promises are only counted, to decide how many of them are looked at. */
const countingMs = 200;
/** Waits that are open at a time; a process with more of them has other troubles. */
const maximumOpen = 100_000;

/**
 * Samples where promises are made that something outside of the running code must settle, and adds up how long that
 * took. Promises of async functions are left out, since what they wait for is itself such a promise. Each promise has
 * the same chance of being looked at, so shares are right and the sum is scaled up.
 *
 * @returns ends it; the waiting time as a profile of V8's form
 */
export function startWaitProfile(): () => Profiler.Profile {
  const began = performance.now();
  const places = new Map<string, WaitingPlace>();
  const open = new Map<number, OpenWait>();
  let counted = 0;
  let chance = 0;

  const settle = ({ place, since }: OpenWait, now: number) => {
    place.microseconds += ((now - since) * 1000) / chance;
  };
  const hook = createHook({
    init(id, type) {
      if (type !== 'PROMISE') return;
      if (chance === 0) {
        counted += 1;
        return;
      }
      if (Math.random() >= chance || open.size >= maximumOpen) return;
      const frames = framesOfExecutor();
      if (frames) open.set(id, { place: placeOf(frames, places), since: performance.now() });
    },
    promiseResolve(id) {
      const wait = open.get(id);
      if (!wait) return;
      open.delete(id);
      settle(wait, performance.now());
    },
  }).enable();
  const timer = setTimeout(() => {
    chance = Math.min(1, looksPerSecond / ((counted * 1000) / countingMs));
  }, countingMs);

  return () => {
    clearTimeout(timer);
    hook.disable();
    const now = performance.now();
    for (const wait of open.values()) settle(wait, now);
    return profileOf([...places.values()], began, now);
  };
}

function placeOf(frames: WaitingPlace['frames'], places: Map<string, WaitingPlace>): WaitingPlace {
  const key = frames.map(({ url, lineNumber, columnNumber }) => `${url}:${lineNumber}:${columnNumber}`).join(' ');
  let place = places.get(key);
  if (!place) places.set(key, (place = { frames, microseconds: 0 }));
  return place;
}

/** Where `new Promise` or `Promise.withResolvers` was called; undefined when neither is what makes this promise. */
function framesOfExecutor(): WaitingPlace['frames'] | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = framesKept;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, framesOfExecutor);
    const sites = holder.stack ?? [];
    const making = sites.findIndex((site) => isPromiseMaking(site));
    // Between the hook and the constructor stand only frames of Node itself.
    if (making === -1 || sites.slice(1, making).some((site) => !isInternal(site))) return undefined;
    return sites.slice(making + 1).map(callFrameOf);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function isPromiseMaking(site: NodeJS.CallSite): boolean {
  const name = site.getFunctionName();
  return site.isNative() || site.getFileName() === null ? (name === 'Promise' && site.isConstructor()) || name === 'withResolvers' : false;
}

function isInternal(site: NodeJS.CallSite): boolean {
  return site.getFileName()?.startsWith('node:') ?? true;
}

function callFrameOf(site: NodeJS.CallSite): Profiler.ProfileNode['callFrame'] {
  return {
    functionName: site.getFunctionName() ?? '',
    scriptId: '0',
    url: site.getFileName() ?? '',
    lineNumber: (site.getLineNumber() ?? 1) - 1,
    columnNumber: (site.getColumnNumber() ?? 1) - 1,
  };
}

function profileOf(places: readonly WaitingPlace[], began: number, ended: number): Profiler.Profile {
  const root: Profiler.ProfileNode = { id: 1, callFrame: { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 }, children: [] };
  const nodes = [root];
  const known = new Map<string, Profiler.ProfileNode>();
  const samples: number[] = [];
  const timeDeltas = [0];
  for (const { frames, microseconds } of places) {
    let parent = root;
    for (const callFrame of frames.toReversed()) {
      const key = `${parent.id} ${callFrame.url} ${callFrame.functionName} ${callFrame.lineNumber}`;
      let node = known.get(key);
      if (!node) {
        node = { id: nodes.length + 1, callFrame, children: [] };
        nodes.push(node);
        known.set(key, node);
        parent.children?.push(node.id);
      }
      parent = node;
    }
    samples.push(parent.id);
    timeDeltas.push(Math.round(microseconds));
  }
  // A sample lasts until the next one; the last one ends the profile.
  samples.push(root.id);
  return { nodes, startTime: began * 1000, endTime: ended * 1000, samples, timeDeltas };
}
