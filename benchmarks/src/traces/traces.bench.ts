import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import { ask } from '../http/client.ts';
import type { PeerOptions } from './service.peer.ts';

export default defineBench({
  title: 'Traces: a GET that asks Redis, a replica and Redis again, six spans, over 16 kept-alive connections',
  unit: 'request',
  reference: 'off',
  goals: [
    { measure: 'cpu', of: 'on, slow and failed alone', to: 'off', atMost: 1.15 },
    { measure: 'cpu', of: 'on, 5 % sampled', to: 'off', atMost: 1.2 },
    { measure: 'cpu', of: 'on, all sampled', to: 'off', atMost: 2 },
  ],
  servers: ['postgresql', 'cache-redis'],
  // What is exported at last is compiled late, and its batches come once a second.
  warmUpMs: 6000,
  roundMs: 1000,
  rounds: 20,
  async setUp(surroundings) {
    const endpoint = await startCollector(surroundings);
    return {
      off: await side(surroundings),
      'on, slow and failed alone': await side(surroundings, { endpoint, sampleRatio: 0 }),
      'on, 5 % sampled': await side(surroundings, { endpoint, sampleRatio: 0.05 }),
      'on, all sampled': await side(surroundings, { endpoint, sampleRatio: 1 }),
    };
  },
});

async function side({ startPeer, urls }: Surroundings, traces?: PeerOptions['traces']): Promise<Side> {
  const { primary, replicas } = urls.postgres;
  const options: PeerOptions = {
    ...(traces && { traces }),
    redisUrl: urls.cacheRedis,
    primaryUrl: `${primary}/postgres`,
    replicaUrls: replicas.map((url) => `${url}/postgres`),
  };
  const peer = await startPeer<number>('service', options);
  return {
    cpu: [peer],
    async run(requests) {
      return { result: await ask(peer.information, '/rows/7', { requests, connections: 16, expectedBody: '{"id":7}' }) };
    },
  };
}

/** Takes spans and forgets them: what a collector costs is not measured here. */
async function startCollector({ onEnd }: Surroundings): Promise<string> {
  const server = createServer((request, response) => request.resume().once('end', () => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
