import { defineCalls } from '@tenfold/contracts';
import { z } from 'zod';

const nothing = z.strictObject({});

/** What the replicas of `calls.service.fixture.ts` answer. */
export const processCalls = defineCalls('process', {
  whoAnswers: {
    request: z.strictObject({ ms: z.int().nonnegative() }),
    response: z.strictObject({ replica: z.string() }),
    errors: [],
    idempotent: true,
  },
  /** Computes for so many milliseconds of CPU. */
  work: { request: z.strictObject({ ms: z.int() }), response: nothing, errors: [], idempotent: false, deadlineMs: 20_000 },
  /** The longest turn of the event loop since this was last asked, in milliseconds of CPU. */
  longestTurn: { request: nothing, response: z.strictObject({ cpuMs: z.number() }), errors: [], idempotent: false },
  /** Megabytes that are held once garbage is collected. */
  heldMemory: { request: nothing, response: z.strictObject({ megabytes: z.number() }), errors: [], idempotent: false, deadlineMs: 5000 },
});
