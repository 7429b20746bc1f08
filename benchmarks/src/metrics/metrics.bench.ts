import { randomUUID } from 'node:crypto';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import type { Peer } from '../frame/peer.ts';
import { ask } from '../http/client.ts';
import { productOf } from '../http/product.ts';
import type { MeteredOptions } from './metered.app.ts';

/**
 * A request that goes by everything that measures: the HTTP hooks, the session store, a cache in memory, a read of the
 * database. Nothing of it works hard, so metrics are a larger share of it than of the shop's requests.
 */
export default defineBench({
  title: 'A request with and without metrics: session from Redis, a cached record, one statement, over 8 kept-alive connections',
  unit: 'request',
  reference: 'METRICS=off',
  goals: [{ measure: 'cpu', of: 'METRICS=on', to: 'METRICS=off', atMost: 1.03 }],
  servers: ['postgresql', 'session-redis', 'cache-redis'],
  rounds: 150,
  warmUpMs: 15_000,
  async setUp(surroundings) {
    return { 'METRICS=on': await side('on', surroundings), 'METRICS=off': await side('off', surroundings) };
  },
});

/**
 * Processes of a side, which take turns: what the compiler makes of the same code differs by a few percent from one process
 * to the next, as much as what is measured here.
 */
const PROCESSES = 5;

async function side(metrics: 'on' | 'off', { startPeer, urls }: Surroundings): Promise<Side> {
  const { sessionRedis, cacheRedis, postgres } = urls;
  const options: MeteredOptions = { metrics, sessionRedis, cacheRedis, database: `${postgres.primary}/postgres`, run: randomUUID() };
  const servers = await Promise.all(Array.from({ length: PROCESSES }, () => startPeer<number>('metered', options)));
  let turn = 0;
  return {
    cpu: servers,
    async run(requests) {
      const { information: port } = servers[turn++ % PROCESSES] as Peer<number>;
      return { result: await ask(port, '/products/7', { requests, connections: 8, expectedBody: JSON.stringify(productOf(7)) }) };
    },
  };
}
