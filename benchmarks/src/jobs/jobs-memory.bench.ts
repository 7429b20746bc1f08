import { defineBench } from '../frame/bench.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import { outboxQueue } from './outbox.queue.ts';
import { throughputSide } from './throughput.side.ts';

const mebibyte = 1024 * 1024;

/** Twenty rounds of fifty thousand jobs and more, in one process that adds, relays and handles. */
export default defineBench({
  title: 'What a process holds while it adds, relays and handles a million jobs: after a full collection, beyond what it held after the first round',
  unit: 'job',
  reference: 'outbox, in batches',
  servers: ['postgresql', 'kafka'],
  goals: [{ measure: 'MiB more', of: 'outbox, in batches', atMost: 2 }],
  rounds: 20,
  roundMs: 8000,
  warmUpMs: 4000,
  async setUp({ urls, onEnd }) {
    const name = 'memory_outbox';
    const databaseUrl = await makeJobsDatabase(urls.postgres.primary, 'bench_memory', [name]);
    const side = await throughputSide({ name, databaseUrl, onEnd }, (of) => outboxQueue({ ...of, brokers: [urls.kafka] }, 'in batches'));
    let heldAtFirst: number | undefined;
    return {
      'outbox, in batches': {
        async run(units) {
          const outcome = await side.run(units);
          globalThis.gc?.();
          const { heapUsed, external, rss } = process.memoryUsage();
          const held = heapUsed + external;
          if (units > 10_000) heldAtFirst ??= held;
          return { ...outcome, measures: { ...outcome.measures, 'MiB held': held / mebibyte, 'MiB more': (held - (heldAtFirst ?? held)) / mebibyte, 'MiB resident': rss / mebibyte } };
        },
      },
    };
  },
});
