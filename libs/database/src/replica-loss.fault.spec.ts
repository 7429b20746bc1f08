import { afterAll, beforeAll, beforeEach, afterEach, expect, inject, test } from 'vitest';
import { Database } from './database.ts';
import { eventually } from './eventually.fixture.ts';
import { Note } from './note.fixture.ts';
import { pause, portOf, serverNames, startOwnServers } from './own-servers.fixture.ts';
import type { OwnServers } from './own-servers.fixture.ts';

/** Promise 8: a replica's loss is unseen. Servers of its own, since it kills and stops them. */
let servers: OwnServers;
let database: Database;

beforeAll(async () => {
  servers = await startOwnServers();
});

afterAll(() => servers.stop());

beforeEach(async () => {
  database = new Database({ name: 'notes', entities: [Note], ...servers.nodes, maximumLagMs: 1000 });
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
  if (fault === 'kill') servers.cluster.kill(serverNames[1]);
  else servers.cluster.pause(serverNames[1]);
  await eventually(() => database.nodes[1]?.up === false);
  const ejectedAfter = Date.now() - lostAt;
  await pause(seconds * 1000);
  if (fault === 'stop') servers.cluster.resume(serverNames[1]);
  const resumedAt = Date.now();
  const lost = portOf(servers.nodes.replicaUrls[0]);
  await expect.poll(() => history.served.some(({ port, began }) => port === lost && began > resumedAt)).toBe(true);
  await pause(500);
  await history.stop();

  const back = history.served.filter(({ port, began }) => port === lost && began > resumedAt);
  expect(history.failures).toEqual([]);
  expect(history.served.length).toBeGreaterThan(100);
  expect(ejectedAfter).toBeLessThanOrEqual(1000);
  expect(Math.max(...back.map((served) => stalenessOf(history, served)))).toBeLessThan(1000);
});
