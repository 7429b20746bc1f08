import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import { ask } from '../http/client.ts';
import { productOf } from '../http/product.ts';
import type { ServerKind, SessionServer } from './session-server.peer.ts';

export default defineBench({
  title: 'HTTP with a session, a validated parameter, a request id and a histogram: a record of 300 bytes, over 32 connections',
  unit: 'request',
  reference: 'Nest on Fastify, as here',
  servers: ['session-redis'],
  roundMs: 1500,
  warmUpMs: 8000,
  goals: [
    { measure: 'cpu', of: 'Fastify by hand', to: 'Nest on Fastify, as here', atLeast: 0.8 },
    { measure: 'cpu', of: 'Nest on Express, express-session', to: 'Nest on Fastify, as here', atLeast: 2 },
  ],
  async setUp(surroundings) {
    return {
      'node:http, none of it': await side('node:http', surroundings),
      'Fastify by hand': await side('Fastify', surroundings),
      'Nest on Fastify, as here': await side('Nest on Fastify', surroundings),
      'Nest on Express, express-session': await side('Nest on Express', surroundings),
    };
  },
});

/** A server on a core of its own; only its CPU time counts, not the client's, nor that of Redis. */
async function side(kind: ServerKind, { startPeer, urls }: Surroundings): Promise<Side> {
  const server = await startPeer<SessionServer>('session-server', { kind, redisUrl: urls.sessionRedis });
  const { port, cookie } = server.information;
  const expectedBody = JSON.stringify(productOf(7));
  return {
    cpu: [server],
    run: async (requests) => ({ result: await ask(port, '/products/7', { requests, connections: 32, expectedBody, cookie }) }),
  };
}
