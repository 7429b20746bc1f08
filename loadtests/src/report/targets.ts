import { readFileSync } from 'node:fs';
import { z } from 'zod';

const share = z.number().min(0).max(1);
const milliseconds = z.number().positive();

/** What a run of the mix must reach: the schema of `loadtests/targets.json`. */
export const targets = z.strictObject({
  /** Answered requests per second, at least. */
  rate: z.number().positive(),
  /** 95 of 100 requests take at most this, from their intended start to the end of the answer. */
  p95Ms: z.strictObject({ overall: milliseconds, eachEndpoint: milliseconds }),
  /** Wrong or missing answers, at most. */
  errors: z.int().min(0),
  /** Requests not sent because too many were under way, at most. */
  dropped: z.int().min(0),
  /** Keys that the caches had, of all they were asked for; more than this. */
  cacheHitRate: share,
  /** Reads of the databases that a replica answered, of all; more than this. */
  replicaReadShare: share,
});
export type Targets = z.output<typeof targets>;

/** Reads the targets; throws a ZodError naming every field that is wrong. */
export function readTargets(file: string | URL = new URL('../../targets.json', import.meta.url)): Targets {
  return targets.parse(JSON.parse(readFileSync(file, 'utf8')));
}
