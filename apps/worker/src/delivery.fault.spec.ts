import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterTopicOf, orderPlaced, sendReceipt } from '@tenfold/contracts';
import { KafkaSender } from '@tenfold/jobs/kafka';
import { readTopic } from '@tenfold/jobs/testing';
import type { Cluster } from '@tenfold/local-cluster';
import { startMailSink, startTestCluster } from '@tenfold/local-cluster/testing';
import type { MailSink } from '@tenfold/local-cluster/testing';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { DeliveryHistory, otherKey } from './delivery.history.fixture.ts';
import type { Verdict } from './delivery.history.fixture.ts';
import { SteppingClock } from './stepping-clock.fixture.ts';

/**
 * Promises 13 to 18: two real workers, whose relays and consumers share the work, against a broker, a database and
 * a mail server that are taken away, and processes that are killed and stopped. The checker compares what was
 * acknowledged with Kafka's log, the inbox, the effects and the mails.
 */
let cluster: Cluster;
let history: DeliveryHistory;
let clock: SteppingClock;
let mailSink: MailSink;

const full = inject('faults') === 'full';
/** Fewer where a worker dies each second or two for minutes: what could not be handled meanwhile must be within the test's time. */
const perSecond = full ? 40 : 60;
/** A hundred deaths take minutes. */
vi.setConfig({ testTimeout: full ? 1_800_000 : 300_000 });

beforeAll(async () => {
  clock = new SteppingClock();
  mailSink = await startMailSink();
  cluster = await startTestCluster({
    services: { worker: 2, accounts: 1 },
    components: ['postgresql', 'pgbouncer', 'kafka'],
    environment: { worker: { ...clock.environment, SMTP_URL: mailSink.url } },
  });
  history = new DeliveryHistory(cluster, mailSink);
  await history.prepare();
});

afterAll(async () => {
  await history?.close();
  await cluster?.stop();
  await mailSink.close();
  clock.close();
});

interface Findings {
  /** Whatever breaks a promise: none of it may be there. */
  violations: Omit<Verdict, 'acknowledged' | 'mailCopies'>;
  mailCopies: number;
}

const none = { lost: [], twice: [], loggedLate: [], handledEarly: [], mailsLost: [] };

/** Runs the fault under load, and checks all that has happened since the start. */
async function findingsUnder(fault: () => Promise<void>): Promise<Findings> {
  history.start(perSecond);
  await sleep(1000);
  try {
    await fault();
    await sleep(1000);
  } finally {
    await history.stop();
  }
  const { acknowledged, mailCopies, ...violations } = await history.check();
  if (acknowledged < 50) throw new Error(`${acknowledged} orders are no load`);
  const copiesNow = mailCopies - copiesBefore;
  process.stdout.write(`${acknowledged} orders acknowledged so far, ${copiesNow} mails twice under this fault\n`);
  copiesBefore = mailCopies;
  return { violations, mailCopies: copiesNow };
}

let copiesBefore = 0;

/** Mails of the batches that a death can cut off between the server's answer and the mark. */
const batchOfMails = 20;

test('15: a transaction that commits late with a low id is not skipped', async () => {
  const { violations, mailCopies } = await findingsUnder(() => history.add(otherKey, () => sleep(full ? 20_000 : 3000)));
  expect(violations).toEqual(none);
  expect(mailCopies).toBe(0);
});

test('16: an old snapshot leaves nothing dead in the way of the relay', async () => {
  let dead: { dead: string }[] = [];
  const { violations } = await findingsUnder(() =>
    history.alone(async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      await client.query('SELECT count(*) FROM reports');
      await sleep(full ? 180_000 : 4000);
      ({ rows: dead } = await client.query<{ dead: string }>(`SELECT sum(n_dead_tup) AS dead FROM pg_stat_user_tables WHERE relname ~ '^outbox_[0-9]$'`));
    }),
  );
  expect(dead).toEqual([{ dead: '0' }]);
  expect(violations).toEqual(none);
});

test('13: nothing is lost or reordered while Kafka is away, and all drains when it is back', async () => {
  const { violations } = await findingsUnder(async () => {
    await cluster.halt('kafka');
    await sleep(full ? 150_000 : 8000);
    await cluster.restart('kafka');
  });
  expect(violations).toEqual(none);
});

test('13: nor when the broker is killed at once', async () => {
  const { violations } = await findingsUnder(async () => {
    for (let kills = 0; kills < (full ? 10 : 1); kills += 1) {
      await killWhenItRuns('kafka');
      await sleep(6000);
    }
  });
  expect(violations).toEqual(none);
});

test('14: relays and handlers killed in the middle lose nothing and do nothing twice', async () => {
  const kills = full ? 100 : 4;
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let count = 0; count < kills; count += 1) {
      await killWhenItRuns(`worker-${(count % 2) + 1}`);
      await sleep(200 + Math.random() * 1500);
    }
  });
  expect(violations).toEqual(none);
  expect(mailCopies).toBeLessThanOrEqual(kills * batchOfMails);
});

test('18: a worker stopped in the middle of jobs, and taken for dead, has no effect when it wakes', async () => {
  const rounds = full ? 5 : 1;
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let round = 0; round < rounds; round += 1) {
      cluster.pause('worker-1');
      // Longer than the session of its consumer.
      await sleep(9000);
      cluster.resume('worker-1');
      await sleep(2000);
    }
  });
  expect(violations).toEqual(none);
  expect(mailCopies).toBeLessThanOrEqual(rounds * batchOfMails);
});

test('18: a replica more or less every five seconds loses nothing and does nothing twice', async () => {
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let round = 0; round < (full ? 12 : 1); round += 1) {
      await cluster.scale('worker', 3);
      await sleep(5000);
      await cluster.scale('worker', 2);
      await sleep(5000);
    }
  });
  expect(violations).toEqual(none);
  expect(mailCopies).toBeLessThanOrEqual(batchOfMails);
});

test('17: bytes that nobody can read, in every partition, cost the orders around them nothing', async () => {
  const keys = Array.from({ length: 32 }, (_, index) => `poison-${index}`);
  const sender = new KafkaSender([cluster.urls.kafka], 'test');
  const messages = [orderPlaced, sendReceipt];
  const { violations } = await findingsUnder(async () => {
    for (const { topic } of messages) await sender.send(keys.map((key) => ({ topic, key, value: '\u0000{', headers: { 'message-id': randomUUID() } })));
  });
  await sender.close();
  expect(violations).toEqual(none);
  for (const message of messages) {
    const poison = (await readTopic([cluster.urls.kafka], message.topic)).filter(({ key }) => key.startsWith('poison'));
    expect(new Set(poison.map(({ partition }) => partition)).size).toBe(message.partitions);
    const dead = await readTopic([cluster.urls.kafka], deadLetterTopicOf(message));
    expect(new Set(dead.map(({ key }) => key))).toEqual(new Set(keys));
  }
});

test('31: workers whose clocks jump by five minutes, back and forth, lose nothing and do nothing twice', async () => {
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let round = 0; round < (full ? 10 : 2); round += 1) {
      for (const minutes of [5, -5]) {
        clock.step(minutes * 60_000);
        await sleep(2000);
      }
    }
    clock.step(0);
  });
  expect(violations).toEqual(none);
  expect(mailCopies).toBe(0);
});

test('a primary that is killed in the middle of effects costs none and doubles none', async () => {
  const rounds = full ? 4 : 1;
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let round = 0; round < rounds; round += 1) {
      await killWhenItRuns('postgres-primary');
      await sleep(full ? 15_000 : 5000);
    }
  });
  expect(violations).toEqual(none);
  // Both workers may have sent a batch that could not be marked.
  expect(mailCopies).toBeLessThanOrEqual(rounds * 2 * batchOfMails);
});

test('nor does one that stops in the middle of effects and goes on', async () => {
  const rounds = full ? 4 : 1;
  const { violations, mailCopies } = await findingsUnder(async () => {
    for (let round = 0; round < rounds; round += 1) {
      cluster.pause('postgres-primary');
      await sleep(full ? 15_000 : 4000);
      cluster.resume('postgres-primary');
      await sleep(3000);
    }
  });
  expect(violations).toEqual(none);
  expect(mailCopies).toBeLessThanOrEqual(rounds * 2 * batchOfMails);
});

/** A process that was killed a moment ago may not run yet. */
async function killWhenItRuns(name: string): Promise<void> {
  for (;;) {
    try {
      cluster.kill(name);
      return;
    } catch {
      await sleep(50);
    }
  }
}
