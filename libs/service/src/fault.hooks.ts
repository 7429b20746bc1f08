import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FaultSwitch } from './fault.switch.ts';

/** Method and template, e.g. `GET /v1/products/:id`. */
const route = z.string().min(1);

const slow = z.strictObject({ route, ms: z.number().min(0).max(60_000) });
const failing = z.strictObject({ route, share: z.number().min(0).max(1) });
const leaking = z.strictObject({ bytes: z.int().min(8).max(1_048_576) });

/** Lets the routes of an HTTP application be slow, fail, and leak. Added only where there is a switch. */
export function addFaultHooks(fastify: FastifyInstance, faults: FaultSwitch): void {
  let slowness: z.output<typeof slow> | undefined;
  let failure: z.output<typeof failing> | undefined;
  let leak: z.output<typeof leaking> | undefined;
  const kept: number[][] = [];
  faults.register({ name: 'slow-route', settings: slow, apply: (settings) => (slowness = settings) });
  faults.register({ name: 'failing-route', settings: failing, apply: (settings) => (failure = settings) });
  faults.register({
    name: 'leak',
    settings: leaking,
    apply: (settings) => {
      leak = settings;
      if (!settings) kept.length = 0;
    },
  });

  fastify.addHook('preHandler', (request, reply, done) => {
    const name = `${request.method} ${request.routeOptions.url}`;
    // A number in an array takes 8 bytes of the heap.
    if (leak) kept.push(Array.from({ length: leak.bytes / 8 }, (_, index) => index));
    if (failure?.route === name && Math.random() < failure.share) {
      void reply.code(500).type('application/problem+json').send('{"type":"about:blank","title":"A fault on demand","status":500}');
    } else if (slowness?.route === name) {
      setTimeout(done, slowness.ms);
    } else {
      done();
    }
  });
}
