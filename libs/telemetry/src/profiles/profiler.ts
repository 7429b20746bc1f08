import { Session } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { ProfileError } from './profile.ts';
import type { Profile, ProfileKind } from './profile.ts';
import { startWaitProfile } from './wait.profiler.ts';

export interface ProfileRequest {
  kind: ProfileKind;
  seconds: number;
  /** Ends it at once; nothing is returned then. */
  signal?: AbortSignal | undefined;
  /** Microseconds between two samples of a CPU profile. Default 1000: some 2 % of the CPU while it is taken. */
  samplingInterval?: number;
}

/** Bytes between two samples of a heap profile: V8's own default, which production use settled on. */
const heapSamplingInterval = 32_768;

let inProgress = false;

/**
 * Takes a profile of this process under whatever it does.
 *
 * @throws ProfileError
 */
export async function takeProfile({ kind, seconds, signal, samplingInterval = 1000 }: ProfileRequest): Promise<Profile> {
  if (inProgress) throw new ProfileError('in-progress', 'A profile is being taken already');
  inProgress = true;
  try {
    let taken: Omit<Profile, 'kind' | 'profile'> | undefined;
    const wait = async () => (taken = await load(seconds, signal));
    const profile = await (kind === 'io' ? waitProfile(wait) : inspectorProfile(kind, wait, samplingInterval));
    return { kind, ...taken, profile } as Profile;
  } finally {
    inProgress = false;
  }
}

async function inspectorProfile(kind: 'cpu' | 'heap' | 'allocations', wait: () => Promise<unknown>, samplingInterval: number): Promise<Profile['profile']> {
  const session = new Session();
  session.connect();
  try {
    if (kind === 'cpu') {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: samplingInterval });
      await session.post('Profiler.start');
      await wait();
      return (await session.post('Profiler.stop')).profile;
    }
    const collected = kind === 'allocations';
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: heapSamplingInterval,
      includeObjectsCollectedByMajorGC: collected,
      includeObjectsCollectedByMinorGC: collected,
    });
    await wait();
    // What is garbage by now is not held.
    if (!collected) await session.post('HeapProfiler.collectGarbage');
    return (await session.post('HeapProfiler.stopSampling')).profile;
  } finally {
    session.disconnect();
  }
}

async function waitProfile(wait: () => Promise<unknown>): Promise<Profile['profile']> {
  const stop = startWaitProfile();
  let profile;
  try {
    await wait();
  } finally {
    profile = stop();
  }
  return profile;
}

/** Waits, and tells what the process did meanwhile; without the start of the profiler, which is work of its own. */
async function load(seconds: number, signal: AbortSignal | undefined): Promise<Omit<Profile, 'kind' | 'profile'>> {
  const startedAt = new Date();
  const began = performance.now();
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const utilization = performance.eventLoopUtilization();
  try {
    await delay(seconds * 1000, undefined, signal ? { signal } : {});
  } catch (error) {
    throw new ProfileError('aborted', 'The profile was broken off', { cause: error });
  }
  return {
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - began) / 1000,
    load: {
      cpuSeconds: secondsOf(process.cpuUsage(cpu)),
      mainThreadCpuSeconds: secondsOf(process.threadCpuUsage(thread)),
      eventLoopUtilization: performance.eventLoopUtilization(utilization).utilization,
    },
  };
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1_000_000;
}
