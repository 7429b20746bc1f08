import { defineCalls } from '@tenfold/contracts';
import { z } from 'zod';

export const workCalls = defineCalls('work', {
  /** Computes for so long. */
  compute: { request: z.strictObject({ milliseconds: z.int() }), response: z.strictObject({}), errors: [], idempotent: false, deadlineMs: 10_000 },
});
