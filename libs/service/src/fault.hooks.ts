import { closeSync, openSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { FaultSwitch } from './fault.switch.ts';

/** Method and template, e.g. `GET /v1/products/:id`. */
const route = z.string().min(1);

const slow = z.strictObject({ route, ms: z.number().min(0).max(60_000) });
const failing = z.strictObject({ route, share: z.number().min(0).max(1) });
/** Bytes of the heap, and descriptors and timers, that each request leaves behind. */
const leaking = z.strictObject({ bytes: z.int().min(8).max(1_048_576), handles: z.int().min(0).max(10).default(0) });
const never = 2 ** 31 - 1;

/** Lets the routes of an HTTP application be slow, fail, and leak. Added only where there is a switch. */
export function addFaultHooks(fastify: FastifyInstance, faults: FaultSwitch): void {
  let slowness: z.output<typeof slow> | undefined;
  let failure: z.output<typeof failing> | undefined;
  let leak: z.output<typeof leaking> | undefined;
  const kept: number[][] = [];
  const handles: { descriptor: number; timer: NodeJS.Timeout }[] = [];
  faults.register({ name: 'slow-route', settings: slow, apply: (settings) => (slowness = settings) });
  faults.register({ name: 'failing-route', settings: failing, apply: (settings) => (failure = settings) });
  faults.register({
    name: 'leak',
    settings: leaking,
    apply: (settings) => {
      leak = settings;
      if (settings) return;
      kept.length = 0;
      for (const { descriptor, timer } of handles.splice(0)) {
        closeSync(descriptor);
        clearTimeout(timer);
      }
    },
  });

  fastify.addHook('preHandler', (request, reply, done) => {
    const name = `${request.method} ${request.routeOptions.url}`;
    // A number in an array takes 8 bytes of the heap.
    if (leak) {
      kept.push(Array.from({ length: leak.bytes / 8 }, (_, index) => index));
      for (let count = 0; count < leak.handles; count += 1) handles.push({ descriptor: openSync('/dev/null', 'r'), timer: setTimeout(() => {}, never) });
    }
    if (failure?.route === name && Math.random() < failure.share) {
      void reply.code(500).type('application/problem+json').send('{"type":"about:blank","title":"A fault on demand","status":500}');
    } else if (slowness?.route === name) {
      setTimeout(done, slowness.ms);
    } else {
      done();
    }
  });
}
