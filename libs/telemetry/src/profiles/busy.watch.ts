import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Profile } from './profile.ts';
import { takeProfile } from './profiler.ts';

export interface BusyWatchOptions {
  /** Where profiles are written; made when it is missing, but not what it stands in. */
  directory: string;
  /** Name of this copy of the service; every file name begins with it. */
  replica: string;
  /** Share of the time, 0 to 1, that the event loop may be busy. Default 0.9. */
  limit?: number;
  /** Milliseconds over the limit before a profile is taken. Default 30,000: long enough not to be the start, or one request. */
  afterMs?: number;
  /** Length of the profile. Default 10. */
  seconds?: number;
  /** Milliseconds between two profiles, also across restarts. Default one hour. */
  intervalMs?: number;
  onTaken?: (file: string, profile: Profile) => void;
  /** A full disk, or one that is read-only, breaks nothing else. */
  onError?: (error: unknown) => void;
}

/** Coarser than by hand: 5 ms cost a busy process next to nothing. */
const samplingInterval = 5_000;
/** A profile of 10 s at this interval is some 500 KiB; ten times that is not worth a disk. */
const maximumBytes = 5 * 1024 * 1024;
const filesKept = 5;
const looksPerPeriod = 3;

/**
 * Takes a CPU profile by itself when the event loop has been busy beyond a limit for a while: what was it doing, one
 * asks the day after. Between profiles it costs one reading of the loop's utilization every few seconds.
 *
 * @returns ends the watch
 */
export function watchBusyLoop(options: BusyWatchOptions): () => void {
  const { limit = 0.9, afterMs = 30_000 } = options;
  const stop = new AbortController();
  let previous = performance.eventLoopUtilization();
  let busyLooks = 0;
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, previous);
    previous = now;
    busyLooks = utilization > limit ? busyLooks + 1 : 0;
    if (busyLooks < looksPerPeriod) return;
    busyLooks = 0;
    takeIfDue(options, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) options.onError?.(error);
    });
  }, afterMs / looksPerPeriod);
  timer.unref();
  return () => {
    clearInterval(timer);
    stop.abort();
  };
}

async function takeIfDue({ directory, replica, seconds = 10, intervalMs = 3_600_000, onTaken }: BusyWatchOptions, signal: AbortSignal): Promise<void> {
  if (!existsSync(directory)) mkdirSync(directory);
  const files = profilesOf(directory, replica);
  const newest = files.at(-1);
  // The file tells, not a variable: a replica that is killed over and over would take one each time.
  if (newest !== undefined && Date.now() - statSync(newest).mtimeMs < intervalMs) return;
  const profile = await takeProfile({ kind: 'cpu', seconds, signal, samplingInterval });
  const text = JSON.stringify(profile.profile);
  if (text.length > maximumBytes) throw new Error(`The profile would take ${text.length} bytes; at most ${maximumBytes} are written`);
  const file = join(directory, `${replica}-${profile.startedAt.replaceAll(/[:.]/g, '-')}.cpuprofile`);
  // Whoever collects profiles must not find half of one.
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  for (const old of files.slice(0, files.length + 1 - filesKept)) rmSync(old, { force: true });
  onTaken?.(file, profile);
}

/** Oldest first: names end with the time. */
function profilesOf(directory: string, replica: string): string[] {
  const names = readdirSync(directory).filter((name) => name.startsWith(`${replica}-2`) && name.endsWith('.cpuprofile'));
  return names.sort().map((name) => join(directory, name));
}
