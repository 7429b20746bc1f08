import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { defineBench } from '../../frame/bench.ts';
import type { Side, Surroundings } from '../../frame/bench.ts';
import { behindBalancer } from '../behind-balancer.ts';
import { inFlight } from '../in-flight.ts';

export default defineBench({
  title: 'Pages of 20 products through HAProxy, 16 requests at a time, compressed by it and as they are; CPU of HAProxy',
  unit: 'request',
  reference: 'without',
  goals: [{ measure: 'bytes', of: 'with', to: 'without', atMost: 0.4 }],
  async setUp(surroundings) {
    return { with: await side(surroundings, 'on'), without: await side(surroundings, 'off') };
  },
});

async function side(surroundings: Surroundings, compression: 'on' | 'off'): Promise<Side> {
  const server = await surroundings.startPeer<{ port: number }>('page');
  const { balancer, pool } = await behindBalancer(surroundings, { CACHE: 'off', COMPRESSION: compression }, [server.information.port], 16);
  const ask = async () => {
    const { statusCode, headers, body } = await pool.request({ path: '/v1/products', method: 'GET', headers: { 'accept-encoding': 'gzip' } });
    const bytes = Buffer.from(await body.arrayBuffer());
    return { statusCode, bytes: bytes.length, items: statusCode === 200 ? itemsIn(headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes) : 0 };
  };
  while ((await ask()).statusCode !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    cpu: [{ cpuMicroseconds: () => cpuOf(balancer.pid) }],
    async run(units) {
      const answers = await inFlight(units, 16, ask);
      const bytes = answers.reduce((sum, answer) => sum + answer.bytes, 0) / units;
      return { result: answers.reduce((sum, { items }) => sum + items, 0), measures: { bytes } };
    },
  };
}

const itemsIn = (text: Buffer) => (JSON.parse(text.toString()) as { items: unknown[] }).items.length;

/** Linux counts a thread's time in nanoseconds there; HAProxy runs with one. */
const cpuOf = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
