import { randomUUID } from 'node:crypto';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
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
  rounds: 60,
  async setUp(surroundings) {
    return { 'METRICS=on': await side('on', surroundings), 'METRICS=off': await side('off', surroundings) };
  },
});

async function side(metrics: 'on' | 'off', { startPeer, urls }: Surroundings): Promise<Side> {
  const { sessionRedis, cacheRedis, postgres } = urls;
  const options: MeteredOptions = { metrics, sessionRedis, cacheRedis, database: `${postgres.primary}/postgres`, run: randomUUID() };
  const server = await startPeer<number>('metered', options);
  return {
    cpu: [server],
    async run(requests) {
      return { result: await ask(server.information, '/products/7', { requests, connections: 8, expectedBody: JSON.stringify(productOf(7)) }) };
    },
  };
}
