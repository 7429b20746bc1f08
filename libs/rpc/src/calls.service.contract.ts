import { defineCalls } from '@tenfold/contracts';
import { z } from 'zod';

/** What the replicas of `calls.service.fixture.ts` answer. */
export const processCalls = defineCalls('process', {
  whoAnswers: {
    request: z.strictObject({ ms: z.int() }),
    response: z.strictObject({ replica: z.string() }),
    errors: [],
    idempotent: true,
  },
});
