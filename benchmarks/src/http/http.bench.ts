import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import { ask } from './client.ts';
import { productOf } from './product.ts';
import type { ServerKind } from './server.peer.ts';

const id = 7;

export default defineBench({
  title: 'HTTP servers: a record of 300 bytes by id, over 32 kept-alive connections',
  unit: 'request',
  reference: 'Nest on Fastify, as configured here',
  goals: [
    { measure: 'cpu', of: 'Nest on Express', to: 'Nest on Fastify, as configured here', atLeast: 1.2 },
    { measure: 'cpu', of: 'Nest on Fastify, as configured here', to: 'Nest on Fastify, plain', atMost: 1.5 },
  ],
  async setUp(surroundings) {
    return {
      'node:http': await side('node:http', surroundings),
      Fastify: await side('Fastify', surroundings),
      'Nest on Fastify, plain': await side('Nest on Fastify', surroundings),
      'Nest on Fastify, as configured here': await side('Tenfold', surroundings),
      'Nest on Express': await side('Nest on Express', surroundings),
    };
  },
});

/** A server on a core of its own; only its CPU time counts, not the client's. */
async function side(kind: ServerKind, { startPeer }: Surroundings): Promise<Side> {
  const server = await startPeer<number>('server', kind);
  const expectedBody = JSON.stringify(productOf(id));
  return {
    cpu: [server],
    async run(requests) {
      return { result: await ask(server.information, `/products/${id}`, { requests, connections: 32, expectedBody }) };
    },
  };
}
