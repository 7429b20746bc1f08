import { setTimeout as sleep } from 'node:timers/promises';
import { defineBench } from '../frame/bench.ts';
import type { Side, Surroundings } from '../frame/bench.ts';
import { bullmqQueue } from './bullmq.queue.ts';
import { graphileWorkerQueue } from './graphile-worker.queue.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';
import { outboxQueue } from './outbox.queue.ts';

const perSecond = 500;
const sides = ['latency_outbox', 'latency_bullmq', 'latency_graphile'] as const;

export default defineBench({
  title: `Jobs that come one by one, ${perSecond} a second: from asking for one until its effect is committed`,
  unit: 'job',
  reference: 'outbox',
  servers: ['postgresql', 'kafka', 'session-redis'],
  goals: [{ measure: 'p99 ms', of: 'outbox', atMost: 100 }],
  rounds: 9,
  roundMs: 4000,
  warmUpMs: 2000,
  async setUp({ urls, onEnd }) {
    const databaseUrl = await makeJobsDatabase(urls.postgres.primary, 'bench_latency', sides);
    const brokers = [urls.kafka];
    const side = (name: (typeof sides)[number], make: (of: QueueSurroundings) => Promise<JobQueue>) => latencySide({ name, databaseUrl, onEnd }, make);
    return {
      outbox: await side('latency_outbox', (of) => outboxQueue({ ...of, brokers }, 'one by one')),
      BullMQ: await side('latency_bullmq', (of) => bullmqQueue({ ...of, redisUrl: urls.sessionRedis })),
      'graphile-worker': await side('latency_graphile', graphileWorkerQueue),
    };
  },
});

async function latencySide(
  of: Pick<Surroundings, 'onEnd'> & Omit<QueueSurroundings, 'onHandled'>,
  make: (surroundings: QueueSurroundings) => Promise<JobQueue>,
): Promise<Side> {
  const askedAt = new Map<number, number>();
  const latencies: number[] = [];
  let all = Promise.withResolvers<void>();
  let next = 1;
  const queue = await make({
    ...of,
    onHandled(numbers) {
      for (const number of numbers) {
        latencies.push(performance.now() - (askedAt.get(number) ?? NaN));
        askedAt.delete(number);
      }
      if (askedAt.size === 0) all.resolve();
    },
  });
  const ask = (): Promise<void> => {
    const number = next++;
    askedAt.set(number, performance.now());
    return queue.add([number]);
  };
  const run = async (units: number): Promise<number[]> => {
    latencies.length = 0;
    all = Promise.withResolvers();
    const began = performance.now();
    const added: Promise<void>[] = [];
    // At their times, however long those before them take.
    for (let unit = 0; unit < units; unit += 1) {
      const waitMs = began + (unit * 1000) / perSecond - performance.now();
      if (waitMs > 1) await sleep(waitMs);
      added.push(ask());
    }
    await Promise.all(added);
    await all.promise;
    return latencies.toSorted((one, other) => one - other);
  };
  await run(1);
  return {
    async run(units) {
      const sorted = await run(units);
      const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
      return { result: sorted.length, measures: { 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'worst ms': at(1) } };
    },
  };
}
