import { createContext, runInContext } from '@tenfold/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Database } from './database.ts';
import { DatabaseError } from './database.error.ts';
import { eventually } from './eventually.fixture.ts';
import { Note } from './note.fixture.ts';
import { pause, portOf, serverNames, startOwnServers } from './own-servers.fixture.ts';
import type { OwnServers } from './own-servers.fixture.ts';

/** Promise 7: promotion is safe. One standby is synchronous, as whoever promises not to lose writes must have it. */
let servers: OwnServers;
let database: Database;

beforeEach(async () => {
  servers = await startOwnServers();
  await servers.set(0, 'synchronous_standby_names', 'postgres_replica_1');
  await servers.on(0, 'CREATE TABLE event (id int PRIMARY KEY)');
  database = new Database({ name: 'notes', entities: [Note], ...servers.nodes });
  await eventually(() => database.nodes.every((node) => node.up));
  await pause(300);
});

afterEach(async () => {
  await database.close();
  await servers.stop();
});

interface Attempt {
  id: number;
  ended: number;
  outcome: 'acknowledged' | 'unknown' | 'refused';
  /** Port of the server that acknowledged it. */
  port?: number;
}

interface Recorded {
  attempts: Attempt[];
  reads: { ended: number; failure?: unknown }[];
  /** Reads that did not show what their session had written before. */
  unseen: number[];
}

/** Sessions that write, then read what they wrote; and readers that only read. */
function recordLoad(): { history: Recorded; stop(): Promise<void> } {
  const stopping = new AbortController();
  const history: Recorded = { attempts: [], reads: [], unseen: [] };
  let nextId = 1;
  const session = async () => {
    while (!stopping.signal.aborted) {
      const id = nextId++;
      await runInContext(createContext(), async () => {
        try {
          const [{ port }] = await database.write((tx) =>
            tx.query<[{ port: number }]>('INSERT INTO event VALUES ($1) RETURNING inet_server_port() AS port', [id]),
          );
          history.attempts.push({ id, ended: Date.now(), outcome: 'acknowledged', port });
        } catch (error) {
          const outcome = error instanceof DatabaseError && error.code === 'outcome-unknown' ? 'unknown' : 'refused';
          history.attempts.push({ id, ended: Date.now(), outcome });
          await pause(10);
          return;
        }
        const seen = await database.read((reader) => reader.query<object[]>('SELECT FROM event WHERE id = $1', [id])).catch(() => undefined);
        if (seen?.length === 0) history.unseen.push(id);
      });
    }
  };
  const reader = async () => {
    while (!stopping.signal.aborted) {
      await database
        .read((reader) => reader.query('SELECT count(*) FROM event'))
        .then(() => history.reads.push({ ended: Date.now() }))
        .catch((failure: unknown) => history.reads.push({ ended: Date.now(), failure }));
      await pause(2);
    }
  };
  const done = Promise.all([session(), session(), session(), session(), reader(), reader()]);
  return {
    history,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** What an operator or a failover manager does once the primary is given up. */
async function promoteFirstReplica(): Promise<void> {
  await servers.on(1, 'SELECT pg_promote()');
  const [{ conninfo }] = (await servers.on<{ conninfo: string }>(2, `SELECT current_setting('primary_conninfo') AS conninfo`)) as [{ conninfo: string }];
  await servers.set(2, 'primary_slot_name', '');
  await servers.set(2, 'primary_conninfo', conninfo.replace(/port=\d+/, `port=${portOf(servers.nodes.replicaUrls[0])}`));
}

test.each(['is stopped and wakes up later', 'is killed and starts again at once'] as const)(
  'no acknowledged write is lost, and none is taken by two servers, when the primary %s',
  async (fault) => {
    const { history, stop } = recordLoad();
    await pause(1500);
    if (fault.startsWith('is stopped')) servers.cluster.pause(serverNames[0]);
    else servers.cluster.kill(serverNames[0]);
    await pause(1500);
    const promotedAt = Date.now();
    await promoteFirstReplica();
    await eventually(() => database.primary === database.nodes[1]);
    await pause(1500);
    if (fault.startsWith('is stopped')) servers.cluster.resume(serverNames[0]);
    await eventually(() => database.roleOf(database.nodes[0]!) === 'fenced');
    await pause(2000);
    await stop();

    const newPort = portOf(servers.nodes.replicaUrls[0]);
    const acknowledged = history.attempts.filter(({ outcome }) => outcome === 'acknowledged');
    const kept = new Set((await servers.on<{ id: number }>(1, 'SELECT id FROM event')).map(({ id }) => id));
    const firstOnNew = acknowledged.find(({ port }) => port === newPort);
    const lost = acknowledged.filter(({ id }) => !kept.has(id));
    const appeared = history.attempts.filter(({ id, outcome }) => outcome === 'refused' && kept.has(id));
    const onFormer = acknowledged.filter(({ port, ended }) => port !== newPort && ended > (firstOnNew?.ended ?? Infinity));

    expect(acknowledged.length).toBeGreaterThan(100);
    expect({ lost, appeared, onFormer, unseen: history.unseen }).toEqual({ lost: [], appeared: [], onFormer: [], unseen: [] });
    expect((firstOnNew?.ended ?? Infinity) - promotedAt).toBeLessThanOrEqual(5000);
    expect(history.reads.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(database.primary).toBe(database.nodes[1]);
    // A killed primary that starts again feeds the second replica with what the new primary does not have; a stopped one cannot.
    if (fault.startsWith('is stopped')) await eventually(() => database.nodes[2]?.up === true && database.lagMs(database.nodes[2]) === 0);
  },
);
