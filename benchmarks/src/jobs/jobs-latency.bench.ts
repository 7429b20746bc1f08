import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from '@tenfold/database';
import { defineBench } from '../frame/bench.ts';
import type { Side } from '../frame/bench.ts';
import { quantileOf } from '../frame/statistics.ts';
import { bullmqQueue } from './bullmq.queue.ts';
import { graphileWorkerQueue } from './graphile-worker.queue.ts';
import { makeJobsDatabase } from './jobs.database.ts';
import type { JobQueue, QueueSurroundings } from './job.queue.ts';
import { outboxQueue } from './outbox.queue.ts';

const perSecond = 500;
/** As many connections as handlers leave to those who add. */
const addsAtATime = 4;
const sides = ['latency_outbox', 'latency_bullmq', 'latency_graphile'] as const;

export default defineBench({
  title: `Jobs that come one by one, ${perSecond} a second whether earlier ones are done or not: from asking for one until its effect is committed`,
  unit: 'second',
  reference: 'outbox',
  servers: ['postgresql', 'kafka', 'session-redis'],
  goals: [{ measure: 'p99 ms', of: 'outbox', atMost: 100 }],
  rounds: 9,
  roundMs: 4000,
  warmUpMs: 4000,
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

/** Times of the jobs of a round, in milliseconds since each was asked for. */
interface Times {
  added: number[];
  begun: number[];
  handled: number[];
}

async function latencySide(of: Omit<QueueSurroundings, 'onHandled' | 'onBegun'>, make: (surroundings: QueueSurroundings) => Promise<JobQueue>): Promise<Side> {
  const askedAt = new Map<number, number>();
  let times: Times = { added: [], begun: [], handled: [] };
  let awaited = 0;
  let all = Promise.withResolvers<void>();
  let next = 1;
  const queue = await make({
    ...of,
    onBegun: (number) => times.begun.push(performance.now() - (askedAt.get(number) ?? NaN)),
    onHandled(numbers) {
      const now = performance.now();
      for (const number of numbers) {
        times.handled.push(now - (askedAt.get(number) ?? NaN));
        askedAt.delete(number);
      }
      if (times.handled.length >= awaited) all.resolve();
    },
  });
  const places = new Places(addsAtATime);
  const ask = async (due: number): Promise<void> => {
    const number = next++;
    askedAt.set(number, due);
    await places.enter();
    await addPatiently(queue, number).finally(() => places.leave());
    times.added.push(performance.now() - due);
  };
  const run = async (units: number): Promise<Times> => {
    times = { added: [], begun: [], handled: [] };
    awaited = units;
    all = Promise.withResolvers();
    const began = performance.now();
    const adding: Promise<void>[] = [];
    for (let unit = 0; unit < units; unit += 1) {
      const due = began + (unit * 1000) / perSecond;
      const waitMs = due - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      adding.push(ask(due));
    }
    await Promise.all([...adding, all.promise]);
    return times;
  };
  // Whoever takes the jobs may still be joining: no round is to wait for that.
  await run(1);
  return {
    async run(units) {
      const { added, begun, handled } = await run(units * perSecond);
      const measures = {
        'p50 ms, added': quantileOf(added, 0.5),
        ...(begun.length > 0 && { 'p50 ms, begun': quantileOf(begun, 0.5) }),
        'p50 ms': quantileOf(handled, 0.5),
        'p95 ms': quantileOf(handled, 0.95),
        'p99 ms': quantileOf(handled, 0.99),
      };
      return { result: handled.length, measures };
    },
  };
}

/** Again, as whoever is told to come again does: no connection was free for long. */
async function addPatiently(queue: JobQueue, number: number): Promise<void> {
  for (;;) {
    try {
      await queue.add([number]);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseError) || (error.code !== 'pool-exhausted' && error.code !== 'primary-unavailable')) throw error;
      await sleep(50);
    }
  }
}

/** Those that find all places taken wait for one, in turn: while the machine pauses, more come than may wait for a connection. */
class Places {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
