import type { Cluster } from '@tenfold/local-cluster';
import { startTestCluster } from '@tenfold/local-cluster/testing';
import { afterAll, beforeAll, beforeEach, afterEach, expect, inject, test } from 'vitest';
import { Database } from './database.ts';
import { eventually } from './eventually.fixture.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

/** Promise 8: a replica's loss is unseen. Servers of its own, since it kills and stops them. */
let cluster: Cluster;
let nodes: TestDatabase;
let database: Database;

beforeAll(async () => {
  cluster = await startTestCluster({ services: 'none', components: ['postgresql'] });
  const { primary, replicas } = cluster.urls.postgres;
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000], primaryUrl: primary, replicaUrls: replicas });
});

afterAll(() => cluster.stop());

beforeEach(async () => {
  database = new Database({
    name: 'notes',
    entities: [Note],
    primaryUrl: nodes.primaryUrl,
    replicaUrls: nodes.replicaUrls,
    maximumLagMs: 1000,
  });
  await eventually(() => database.nodes.every((node) => node.up));
});

afterEach(() => database.close());

interface Served {
  /** When the read began and ended. */
  began: number;
  ended: number;
  port: number;
  /** The note of the writer, a number that grows. */
  seen: number;
}

interface History {
  served: Served[];
  /** Number → when its commit was acknowledged. */
  committed: Map<number, number>;
  failures: unknown[];
  stop(): Promise<void>;
}

/** Four readers without pause, and a writer that counts up. */
function recordLoad(): History {
  const stopping = new AbortController();
  const history: History = { served: [], committed: new Map(), failures: [], stop: async () => {} };
  const reader = async () => {
    while (!stopping.signal.aborted) {
      const began = Date.now();
      await database
        .read((manager) => manager.query<[{ port: number; seen: number }]>(`SELECT inet_server_port() AS port, text::int AS seen FROM note WHERE id = 7`))
        .then(([row]) => history.served.push({ began, ended: Date.now(), ...row }))
        .catch((error: unknown) => history.failures.push(error));
    }
  };
  const writer = async () => {
    for (let count = 1; !stopping.signal.aborted; count += 1) {
      await database.write((tx) => tx.query('UPDATE note SET text = $1 WHERE id = 7', [String(count)]));
      history.committed.set(count, Date.now());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const done = Promise.all([writer(), ...Array.from({ length: 4 }, reader)]);
  history.stop = async () => {
    stopping.abort();
    await done;
  };
  return history;
}

const portOf = (url: string | undefined) => Number(new URL(url ?? '').port);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = inject('faults') === 'full' ? 5 : 1.5;

/** How long ago what the read showed had been superseded by what was acknowledged before it began, at most. */
function stalenessOf(history: History, { began, seen }: Served): number {
  const next = history.committed.get(seen + 1);
  return next === undefined || next > began ? 0 : began - next;
}

test.each(['kill', 'stop'] as const)('a replica lost by %s costs no read, is ejected within 1 s and comes back caught up', async (fault) => {
  await database.write((tx) => tx.query(`INSERT INTO note VALUES (7, '0') ON CONFLICT (id) DO UPDATE SET text = '0'`));
  await pause(300);
  const history = recordLoad();
  await pause(500);
  const lostAt = Date.now();
  if (fault === 'kill') cluster.kill('postgres-replica-1');
  else cluster.pause('postgres-replica-1');
  await eventually(() => database.replicas[0]?.up === false);
  const ejectedAfter = Date.now() - lostAt;
  await pause(seconds * 1000);
  if (fault === 'stop') cluster.resume('postgres-replica-1');
  const resumedAt = Date.now();
  const lost = portOf(nodes.replicaUrls[0]);
  await expect.poll(() => history.served.some(({ port, began }) => port === lost && began > resumedAt)).toBe(true);
  await pause(500);
  await history.stop();

  const back = history.served.filter(({ port, began }) => port === lost && began > resumedAt);
  expect(history.failures).toEqual([]);
  expect(history.served.length).toBeGreaterThan(100);
  expect(ejectedAfter).toBeLessThanOrEqual(1000);
  expect(Math.max(...back.map((served) => stalenessOf(history, served)))).toBeLessThan(1000);
});
