import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** What a machine can do, as far as the traffic that may be expected of it goes. */
export interface MachineSpeed {
  cores: number;
  /** Of each core while all are busy: how often a second it does the work of `speed.round.ts`. */
  roundsPerSecond: number;
}

const WARM_UP_MS = 500;
const MEASURED_MS = 1000;

/**
 * Keeps every core busy for a second and a half and counts: a processor that others share, that is too warm or saves
 * power may be several times as slow as its name says.
 */
export async function measureMachine(cores = availableParallelism()): Promise<MachineSpeed> {
  const counts = await Promise.all(Array.from({ length: cores }, countInThread));
  return { cores, roundsPerSecond: Math.round(counts.reduce((sum, rounds) => sum + rounds, 0) / cores) };
}

function countInThread(): Promise<number> {
  const thread = new Worker(new URL('./speed.thread.ts', import.meta.url), { workerData: { warmUpMs: WARM_UP_MS, measuredMs: MEASURED_MS } });
  return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
}
