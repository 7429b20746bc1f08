import { defineBench } from '../frame/bench.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import { outboxQueue } from './outbox.queue.ts';
import { throughputSide } from './throughput.side.ts';

const mebibyte = 1024 * 1024;

/** Forty rounds of one lot make a million. */
const jobsPerLot = 25_000;

/** In one process that adds, relays and handles. */
export default defineBench({
  title: 'What a process holds while it adds, relays and handles a million jobs: after a full collection, beyond what it held after the first fifty thousand; in lots of 25,000',
  unit: 'lot',
  reference: 'outbox, in batches',
  servers: ['postgresql', 'kafka'],
  goals: [{ measure: 'MiB more', of: 'outbox, in batches', atMost: 2 }],
  rounds: 40,
  roundMs: 1,
  warmUpMs: 1,
  async setUp({ urls, onEnd }) {
    const name = 'memory_outbox';
    const databaseUrl = await makeJobsDatabase(urls.postgres.primary, 'bench_memory', [name]);
    const side = await throughputSide({ name, databaseUrl, onEnd }, (of) => outboxQueue({ ...of, brokers: [urls.kafka] }, 'in batches'));
    let runs = 0;
    let heldAtFirst = 0;
    return {
      'outbox, in batches': {
        async run(units) {
          const outcome = await side.run(units * jobsPerLot);
          globalThis.gc?.();
          const { heapUsed, external, rss } = process.memoryUsage();
          const held = heapUsed + external;
          runs += 1;
          // The warm-up, and the round that does not count.
          if (runs <= 2) heldAtFirst = held;
          return { ...outcome, measures: { ...outcome.measures, 'MiB held': held / mebibyte, 'MiB more': (held - heldAtFirst) / mebibyte, 'MiB resident': rss / mebibyte } };
        },
      },
    };
  },
});
