import type { HeapProfiler, Profiler } from 'node:inspector';

/**
 * - `cpu`: what the main thread runs, sampled every millisecond.
 * - `allocations`: where memory is asked for, collected meanwhile or not.
 * - `heap`: where memory was asked for that is still held at the end: what grows.
 * - `io`: where promises that somebody else has to settle were waited for, such as those of statements and calls.
 */
export type ProfileKind = 'cpu' | 'heap' | 'allocations' | 'io';

export const profileKinds = ['cpu', 'heap', 'allocations', 'io'] as const satisfies readonly ProfileKind[];

/** What the process did while a profile was taken. */
export interface ProfiledLoad {
  /** CPU of all threads, and how much of it was the main thread's: a profile sees no other. */
  cpuSeconds: number;
  mainThreadCpuSeconds: number;
  /** Share of the time in which the event loop was busy, 0 to 1. */
  eventLoopUtilization: number;
}

interface Taken {
  /** ISO 8601. */
  startedAt: string;
  seconds: number;
  load: ProfiledLoad;
}

/**
 * A profile and what surrounded it. `profile` is what Chrome's developer tools open as `.cpuprofile`, of kinds `cpu` and
 * `io` (in which time is waiting time), or as `.heapprofile`.
 */
export type Profile = Taken &
  ({ kind: 'cpu' | 'io'; profile: Profiler.Profile } | { kind: 'heap' | 'allocations'; profile: HeapProfiler.SamplingHeapProfile });

/** `in-progress`: one is being taken already. `aborted`: by the caller's signal. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';

  readonly code: 'in-progress' | 'aborted';

  constructor(code: ProfileError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
