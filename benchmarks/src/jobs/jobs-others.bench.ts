import { defineBench } from '../frame/bench.ts';
import { bullmqQueue } from './bullmq.queue.ts';
import { graphileWorkerQueue } from './graphile-worker.queue.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import { outboxQueue } from './outbox.queue.ts';
import { throughputSide } from './throughput.side.ts';

const sides = ['others_outbox', 'others_single', 'others_bullmq', 'others_graphile'] as const;

/** Only with the outbox are job and effect parts of transactions: the others add beside one, and may run a job twice after a crash. */
export default defineBench({
  title: 'Jobs beside BullMQ and graphile-worker, each server flushing to its disk; each job had its effect once',
  unit: 'job',
  reference: 'outbox, one by one',
  servers: ['postgresql', 'kafka', 'session-redis'],
  goals: [
    { measure: 'jobs/s', of: 'outbox, one by one', to: 'BullMQ', atLeast: 1 },
    { measure: 'jobs/s', of: 'outbox, one by one', to: 'graphile-worker', atLeast: 2 },
    { measure: 'jobs/s', of: 'outbox, in batches', to: 'BullMQ', atLeast: 1 },
    { measure: 'jobs/s', of: 'outbox, in batches', to: 'graphile-worker', atLeast: 2 },
  ],
  rounds: 9,
  roundMs: 3000,
  warmUpMs: 3000,
  async setUp({ urls, onEnd }) {
    const databaseUrl = await makeJobsDatabase(urls.postgres.primary, 'bench_jobs_others', sides);
    const surroundings = (name: (typeof sides)[number]) => ({ name, databaseUrl, onEnd });
    const brokers = [urls.kafka];
    return {
      'outbox, one by one': await throughputSide(surroundings('others_single'), (of) => outboxQueue({ ...of, brokers }, 'one by one')),
      'outbox, in batches': await throughputSide(surroundings('others_outbox'), (of) => outboxQueue({ ...of, brokers }, 'in batches')),
      BullMQ: await throughputSide(surroundings('others_bullmq'), (of) => bullmqQueue({ ...of, redisUrl: urls.sessionRedis })),
      'graphile-worker': await throughputSide(surroundings('others_graphile'), graphileWorkerQueue),
    };
  },
});
