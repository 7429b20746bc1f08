import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { behindBalancer } from '../behind-balancer.ts';
import { inFlight } from '../in-flight.ts';

const pages = 50;

export default defineBench({
  title: `One of ${pages} pages of 20 products through HAProxy, 16 requests at a time, kept for a second or not; CPU of the server behind`,
  unit: 'request',
  reference: 'without',
  goals: [
    { measure: 'of the balancer, %', of: 'with', atLeast: 80 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.3 },
  ],
  async setUp(surroundings) {
    return { with: await side(surroundings, 'on'), without: await side(surroundings, 'off') };
  },
});

async function side(surroundings: Surroundings, cache: 'on' | 'off'): Promise<Side> {
  const server = await surroundings.startPeer<{ port: number }>('page');
  const { pool } = await behindBalancer(surroundings, { CACHE: cache }, [server.information.port], 16);
  const ask = async (page: number) => {
    const { statusCode, headers, body } = await pool.request({ path: `/v1/products?category=${page}`, method: 'GET' });
    await body.dump();
    return { statusCode, isKept: headers['age'] !== undefined };
  };
  // Until the balancer has found the server healthy.
  while ((await ask(0)).statusCode !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    cpu: [server],
    async run(units) {
      const answers = await inFlight(units, 16, (n) => ask(n % pages));
      const kept = answers.filter(({ isKept }) => isKept).length;
      return { result: answers.filter(({ statusCode }) => statusCode === 200).length, measures: { 'of the balancer, %': (100 * kept) / units } };
    },
  };
}
