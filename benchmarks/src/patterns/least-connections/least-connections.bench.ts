import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { behindBalancer } from '../behind-balancer.ts';
import { inFlight } from '../in-flight.ts';

const clients = 16;
/** Milliseconds that each of two replicas takes; the second one is in trouble. */
const delays = { quick: 5, slow: 50 };

export default defineBench({
  title: `Requests through HAProxy to two replicas, ${clients} at a time, one of which takes ${delays.slow} ms and the other ${delays.quick}: to whom fewest are open, and in turn`,
  unit: 'request',
  reference: 'without',
  goals: [
    { measure: 'to the slow one, %', of: 'with', atMost: 25 },
    { measure: 'wall', of: 'with', to: 'without', atMost: 0.6 },
  ],
  roundMs: 1000,
  async setUp(surroundings) {
    return { with: await side(surroundings, 'leastconn'), without: await side(surroundings, 'roundrobin') };
  },
});

async function side(surroundings: Surroundings, algorithm: 'leastconn' | 'roundrobin'): Promise<Side> {
  const ports: number[] = [];
  for (const delayMs of Object.values(delays)) ports.push((await surroundings.startPeer<{ port: number }>('replica', { delayMs })).information.port);
  const { pool } = await behindBalancer(surroundings, { ALGORITHM: algorithm }, ports, clients);
  const ask = async () => {
    const { statusCode, body } = await pool.request({ path: '/v1/orders', method: 'GET' });
    return { statusCode, delayMs: Number(await body.text()) };
  };
  const asked = new Set<number>();
  while (asked.size < ports.length) {
    const { statusCode, delayMs } = await ask();
    if (statusCode === 200) asked.add(delayMs);
  }
  return {
    async run(units) {
      const answers = await inFlight(units, clients, ask);
      const slow = answers.filter(({ delayMs }) => delayMs === delays.slow).length;
      return { result: answers.filter(({ statusCode }) => statusCode === 200).length, measures: { 'to the slow one, %': (100 * slow) / units } };
    },
  };
}
