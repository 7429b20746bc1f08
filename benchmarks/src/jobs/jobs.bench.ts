import { defineBench } from '../frame/bench.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import { outboxQueue, plainSends } from './outbox.queue.ts';
import { skipLockedQueue } from './skip-locked.queue.ts';
import { throughputSide } from './throughput.side.ts';

const sides = ['outbox', 'plain_sends', 'skip_locked'] as const;

export default defineBench({
  title: 'Many jobs from the transaction that adds them to their committed effect, each server flushing to its disk; each job had its effect once',
  unit: 'job',
  reference: 'outbox, in batches',
  servers: ['postgresql', 'kafka'],
  goals: [
    { measure: 'jobs/s', of: 'outbox, in batches', to: 'SKIP LOCKED, row by row', atLeast: 3 },
    { measure: 'jobs/s', of: 'outbox, in batches', to: 'sent without outbox, in batches', atLeast: 0.7 },
  ],
  rounds: 9,
  roundMs: 5000,
  warmUpMs: 3000,
  async setUp({ urls, onEnd }) {
    const databaseUrl = await makeJobsDatabase(urls.postgres.primary, 'bench_jobs', sides);
    const surroundings = (name: (typeof sides)[number]) => ({ name, databaseUrl, onEnd });
    const brokers = [urls.kafka];
    return {
      'outbox, in batches': await throughputSide(surroundings('outbox'), (of) => outboxQueue({ ...of, brokers }, 'in batches')),
      'sent without outbox, in batches': await throughputSide(surroundings('plain_sends'), (of) => plainSends({ ...of, brokers })),
      'SKIP LOCKED, row by row': await throughputSide(surroundings('skip_locked'), skipLockedQueue),
    };
  },
});
