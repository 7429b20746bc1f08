import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { Database } from './database.ts';
import type { DatabaseOptions } from './database.options.ts';
import { eventually } from './eventually.fixture.ts';
import { Note } from './note.fixture.ts';
import { pause, portOf, startOwnServers } from './own-servers.fixture.ts';
import type { OwnServers } from './own-servers.fixture.ts';

/** Promises 9 and 10, with two replicas of unequal lag. */
let servers: OwnServers;
const open: Database[] = [];
const pairs = inject('faults') === 'full' ? 10_000 : 1_000;

beforeAll(async () => {
  servers = await startOwnServers();
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});

afterAll(() => servers.stop());

/** A database as one process sees it: each has its own looks at the nodes. */
async function openDatabase(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = new Database({ name: 'notes', entities: [Note], ...servers.nodes, ...options });
  open.push(database);
  await eventually(() => database.nodes.every((node) => node.up));
  return database;
}

type Seen = [{ text: string; port: number }];

const readNote = (database: Database, id: number) =>
  database.read((reader) => reader.query<Seen>('SELECT text, inet_server_port() AS port FROM note WHERE id = $1', [id]));

test(`${pairs} sessions write in one process and read in another: none reads stale, and replicas answer`, async () => {
  await servers.set(2, 'recovery_min_apply_delay', '2s');
  const writing = await openDatabase();
  const reading = await openDatabase();
  const sessions = 8;
  await writing.write((tx) => tx.query(`INSERT INTO note SELECT 1000 + n, 'none ' || n FROM generate_series(1, ${sessions}) AS n`));
  const primaryPort = portOf(servers.nodes.primaryUrl);
  const stale: { written: string; seen: string }[] = [];
  let onReplicas = 0;
  const session = async (number: number) => {
    for (let turn = 0; turn < pairs / sessions; turn += 1) {
      const written = `${number}/${turn}`;
      await runInContext(createContext(), async () => {
        await writing.write((tx) => tx.query('UPDATE note SET text = $2 WHERE id = $1', [1000 + number, written]));
        const [{ text, port }] = await readNote(reading, 1000 + number);
        if (text !== written) stale.push({ written, seen: text });
        if (port !== primaryPort) onReplicas += 1;
      });
    }
  };
  await Promise.all(Array.from({ length: sessions }, (_, index) => session(index + 1)));
  await servers.set(2, 'recovery_min_apply_delay', '0');

  expect(stale).toEqual([]);
  expect(onReplicas / pairs).toBeGreaterThanOrEqual(0.8);
});

test('a session never sees less than it saw before, from whichever replica', async () => {
  await servers.set(2, 'recovery_min_apply_delay', '400ms');
  const writing = await openDatabase();
  await writing.write((tx) => tx.query(`INSERT INTO note VALUES (2000, '0')`));
  const [plain, monotonic] = [await openDatabase(), await openDatabase({ monotonicReads: true })];
  await pause(1000);
  const stopping = new AbortController();
  const counting = (async () => {
    for (let count = 1; !stopping.signal.aborted; count += 1) {
      await writing.write((tx) => tx.query('UPDATE note SET text = $1 WHERE id = 2000', [String(count)]));
      await pause(1);
    }
  })();
  /** Reads in one session, and returns how often the count fell, and which replicas answered. */
  const watch = (database: Database) =>
    runInContext(createContext(), async () => {
      let [highest, regressions] = [0, 0];
      const ports = new Set<number>();
      for (let turn = 0; turn < pairs / 4; turn += 1) {
        const [{ text, port }] = await readNote(database, 2000);
        ports.add(port);
        if (Number(text) < highest) regressions += 1;
        highest = Math.max(highest, Number(text));
      }
      return { regressions, ports };
    });
  const [without, within] = [await watch(plain), await watch(monotonic)];
  stopping.abort();
  await counting;
  await servers.set(2, 'recovery_min_apply_delay', '0');

  // That the same reads do go back without it shows that the replicas differed.
  expect(without.regressions).toBeGreaterThan(0);
  expect(within.regressions).toBe(0);
  expect([...within.ports].some((port) => port !== portOf(servers.nodes.primaryUrl))).toBe(true);
});
