import { Client } from 'pg';
import { defineBench } from '../frame/bench.ts';
import type { Surroundings } from '../frame/bench.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import { outboxQueue } from './outbox.queue.ts';
import { skipLockedQueue } from './skip-locked.queue.ts';
import { throughputSide } from './throughput.side.ts';

/**
 * A database each, for a snapshot holds dead rows back in its own. The pinned ones have theirs open from before the
 * first job until the end: what it holds back grows with every round.
 */
export default defineBench({
  title: 'Jobs from their transaction to their committed effect, while an old snapshot is open and without one',
  unit: 'job',
  reference: 'outbox',
  servers: ['postgresql', 'kafka'],
  goals: [{ measure: 'jobs/s', of: 'outbox, old snapshot', to: 'outbox', atLeast: 0.95 }],
  rounds: 15,
  roundMs: 1500,
  warmUpMs: 3000,
  async setUp(surroundings) {
    const { urls, onEnd } = surroundings;
    const brokers = [urls.kafka];
    const outbox = async (name: string, pinned: boolean) => {
      const databaseUrl = await makeDatabase(surroundings, name, pinned);
      return throughputSide({ name, databaseUrl, onEnd }, (of) => outboxQueue({ ...of, brokers }, 'in batches'));
    };
    const skipLocked = async (name: string, pinned: boolean) => {
      const databaseUrl = await makeDatabase(surroundings, name, pinned);
      return throughputSide({ name, databaseUrl, onEnd }, skipLockedQueue);
    };
    return {
      outbox: await outbox('snapshot_outbox', false),
      'outbox, old snapshot': await outbox('snapshot_outbox_pinned', true),
      'SKIP LOCKED': await skipLocked('snapshot_skip_locked', false),
      'SKIP LOCKED, old snapshot': await skipLocked('snapshot_skip_locked_pinned', true),
    };
  },
});

async function makeDatabase({ urls, onEnd }: Surroundings, name: string, pinned: boolean): Promise<string> {
  const url = await makeJobsDatabase(urls.postgres.primary, name, [name]);
  if (pinned) {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query('begin isolation level repeatable read');
    await client.query('select count(*) from outbox');
    onEnd(() => client.end());
  }
  return url;
}
