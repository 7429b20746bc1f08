import { z } from 'zod';

const latencies = { requests: z.number(), errors: z.number(), p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() };
const endpointFigures = z.object({ endpoint: z.string(), ...latencies });
const count = z.number();

/** One run, as one line of JSON in `loadtests/results/`: all that is needed to judge it again, or against another one. */
export const runResult = z.object({
  version: z.literal(1),
  /** ISO 8601, when it ended. */
  at: z.string(),
  test: z.string(),
  /** Under which `compare` finds it. */
  label: z.string().optional(),
  /** Abbreviated hash, with `+` when files differ from it. */
  commit: z.string(),
  machine: z.object({ cores: count, roundsPerSecond: count.optional(), cpu: z.string(), memoryMebibytes: count, platform: z.string(), node: z.string(), k6: z.string() }),
  settings: z.object({ rate: count, seconds: count, users: count, customers: count, scale: count }),
  /** Answered requests per second of the judged part. */
  rate: count,
  overall: endpointFigures,
  endpoints: z.array(endpointFigures),
  /** All parts of the run, warm-up included, with their length and the requests that were due. */
  phases: z.array(endpointFigures.extend({ seconds: count, planned: count })),
  dropped: count,
  errors: z.array(z.object({ endpoint: z.string(), status: count, detail: z.string() })),
  /** Cores used, milliseconds of CPU per request, and how late 95 of 100 requests started at most. */
  generator: z.object({ cores: count, cpuMsPerRequest: count, latenessP95Ms: count }),
  machineCores: count.optional(),
  /** Milliseconds of CPU per request of all that was tested, the servers included. */
  systemCpuMsPerRequest: count,
  processes: z.array(z.object({ name: z.string(), cores: count, mebibytes: count })),
  /** Absent when nothing was counted. */
  cacheHitRate: count.optional(),
  replicaReadShare: count.optional(),
  jobsDone: count,
  /** At the end of the judged part, and how long the jobs took that were left then. */
  lag: z.object({ messages: count, outboxSeconds: count, drainedSeconds: count }),
  knee: z.object({ knee: z.string().optional(), breakingPoint: z.string().optional(), resource: z.string() }).optional(),
  recoverySeconds: count.optional(),
  soak: z
    .array(
      z.object({
        replica: z.string(),
        /** Mebibytes per minute, with the interval in which the slope lies by 95 %. */
        heap: z.object({ slope: count, low: count, high: count }),
        first: z.record(z.string(), count),
        last: z.record(z.string(), count),
      }),
    )
    .optional(),
  verdicts: z.array(
    z.object({
      target: z.string(),
      reached: count.nullable(),
      limit: count,
      rule: z.string(),
      unit: z.string(),
      met: z.boolean(),
    }),
  ),
  /** Why the run says nothing; absent for one that counts. */
  void: z.string().optional(),
  met: z.boolean(),
});
export type RunResult = z.output<typeof runResult>;

/** Cores that were used by what is neither the system nor the generator; undefined where the machine does not tell. */
export function coresOfOthers({ machineCores, processes }: Pick<RunResult, 'machineCores' | 'processes'>): number | undefined {
  return machineCores === undefined ? undefined : Math.max(0, machineCores - processes.reduce((sum, { cores }) => sum + cores, 0));
}
