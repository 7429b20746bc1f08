import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { MachineSpeed } from '../machine/machine.speed.ts';
import { traffics } from '../mix/traffics.ts';

const share = z.number().min(0).max(1);
const milliseconds = z.number().positive();

/** 95 and 99 of 100 requests take less than this, from their intended start to the end of the answer. */
const latencies = z.strictObject({ p95Ms: milliseconds, p99Ms: milliseconds });

/** What a run of the mix must reach: the schema of `loadtests/targets.json`. */
export const targets = z.strictObject({
  /** Answered requests per second, at least: the traffic that is expected, where the machine is fast enough for it. */
  rate: z.number().positive(),
  /**
   * Rounds of `speed.round.ts` in the time that a request may take of a machine, the generator's and the servers' work
   * included: a slow machine is measured against as many requests as its rounds allow.
   */
  roundsPerRequest: z.number().positive(),
  overall: latencies,
  /** Every endpoint of the mix, as it names them. */
  endpoints: z.record(z.string(), latencies),
  /** Wrong or missing answers, of all, at most. */
  errorShare: share,
  /** Requests not sent because too many were under way, at most. */
  dropped: z.int().min(0),
  /** Keys that the caches had, of all they were asked for; more than this. */
  cacheHitRate: share,
  /** Reads of the databases that a replica answered, of all; more than this. */
  replicaReadShare: share,
  /**
   * Mebibytes per minute by which a replica's heap, garbage collected, may grow in a soak. A leak is told when all of the
   * slope's interval is above; 0 is right for a soak of half an hour, short ones still see caches fill.
   */
  heapGrowth: z.number().min(0),
  /** Descriptors, connections and timers, each, by which a replica may hold more at the end of a soak than at its beginning. */
  heldGrowth: z.int().min(0),
  /** Seconds after a spike at which latencies and errors are as before, at most. */
  recoverySeconds: z.number().positive(),
});
export type Targets = z.output<typeof targets>;

/** Runs of machines that are about as fast are at the same rate, and so can be compared. */
const rates = [10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000];

/** Reads the targets and adds those of what services add; throws a ZodError naming every field that is wrong. */
export function readTargets(file: string | URL = new URL('../../targets.json', import.meta.url)): Targets {
  const read = targets.parse(JSON.parse(readFileSync(file, 'utf8')));
  return { ...read, endpoints: Object.assign({ ...read.endpoints }, ...traffics.map((traffic) => traffic.targets)) as Targets['endpoints'] };
}

/** What may be expected of the machine: the traffic of the targets, or where that is too much for it the next lower of some rates. */
export function targetsOf(machine: MachineSpeed, all = readTargets()): Targets {
  const possible = (machine.cores * machine.roundsPerSecond) / all.roundsPerRequest;
  if (possible >= all.rate) return all;
  return { ...all, rate: rates.findLast((rate) => rate <= possible) ?? 5 };
}
