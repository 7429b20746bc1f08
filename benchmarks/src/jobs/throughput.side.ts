import { Client } from 'pg';
import type { Side } from '../frame/bench.ts';
import { effectsOf, Handled, perAdd } from './job.queue.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';

/** How many transactions, or requests, add at a time. */
const adding = 2;

/**
 * A side that adds jobs as fast as they are taken, and is over when all have had their effect; of which each must be
 * there once.
 *
 * @param make of the queue, which is warm when this resolves
 */
export async function throughputSide(
  surroundings: Omit<QueueSurroundings, 'onHandled'>,
  make: (surroundings: QueueSurroundings) => Promise<JobQueue>,
): Promise<Side> {
  const { name, databaseUrl, onEnd } = surroundings;
  const handled = new Handled();
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  onEnd(() => client.end());
  const queue = await make({ ...surroundings, onHandled: (numbers) => handled.count(numbers) });
  let next = 1;

  const addAndHandle = async (count: number): Promise<{ first: number; last: number }> => {
    const first = next;
    const last = first + count - 1;
    const all = handled.expect(count);
    const addAll = async () => {
      while (next <= last) {
        const numbers = Array.from({ length: Math.min(perAdd, last - next + 1) }, (_, index) => next + index);
        next += numbers.length;
        await queue.add(numbers);
      }
    };
    await Promise.all(Array.from({ length: adding }, addAll));
    await all;
    return { first, last };
  };
  // Whoever takes the jobs may still be joining: no round is to wait for that.
  await addAndHandle(1);

  return {
    async run(units) {
      const began = performance.now();
      const { first, last } = await addAndHandle(units);
      const seconds = (performance.now() - began) / 1000;
      const result = await effectsOf(client, name, first, last);
      if (result.jobs !== units || result.effects !== units) throw new Error(`${name}: of ${units} jobs ${result.jobs} had ${result.effects} effects`);
      return { result, measures: { 'jobs/s': units / seconds } };
    },
  };
}
