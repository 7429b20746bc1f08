import type { Socket } from 'node:net';
import { gatherWrites } from '@tenfold/service';
import { Redis } from 'ioredis';
import { defineBench } from '../../frame/bench.ts';
import type { Side } from '../../frame/bench.ts';

/** Requests that arrive in one turn of the event loop, each with one command. */
const together = 16;

export default defineBench({
  title: `${together} commands to Redis of one turn of the event loop: in one write, and each in one of its own`,
  unit: 'command',
  reference: 'without',
  goals: [
    { measure: 'writes per 1000', of: 'with', to: 'without', atMost: 0.1 },
    { measure: 'cpu', of: 'with', to: 'without', atMost: 0.8 },
  ],
  servers: ['cache-redis'],
  async setUp({ urls, onEnd }) {
    const side = async (gathered: boolean): Promise<Side> => {
      const redis = new Redis(urls.cacheRedis ?? '');
      onEnd(() => redis.disconnect());
      await redis.set('prove-gathered-writes', 'kept');
      if (gathered) gatherWrites(redis);
      const writes = countWrites(redis.stream as Socket);
      return {
        async run(units) {
          const before = writes();
          let kept = 0;
          for (let unit = 0; unit < units; unit += together) {
            const answers = await Promise.all(Array.from({ length: Math.min(together, units - unit) }, () => redis.get('prove-gathered-writes')));
            kept += answers.filter((answer) => answer === 'kept').length;
          }
          return { result: kept, measures: { 'writes per 1000': (1000 * (writes() - before)) / units } };
        },
      };
    };
    return { with: await side(true), without: await side(false) };
  },
});

/** Counts what reaches the socket's own write: what was gathered comes there at once, by `_writev`. */
function countWrites(stream: Socket): () => number {
  let count = 0;
  for (const method of ['_write', '_writev'] as const) {
    const write = stream[method]?.bind(stream) as ((...parameters: unknown[]) => unknown) | undefined;
    if (!write) continue;
    Object.assign(stream, {
      [method]: (...parameters: unknown[]) => {
        count += 1;
        return write(...parameters);
      },
    });
  }
  return () => count;
}
