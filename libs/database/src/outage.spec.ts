import { faultProxy } from '@tenfold/local-cluster/testing';
import type { FaultProxy } from '@tenfold/local-cluster/testing';
import { createContext, runInContext } from '@tenfold/telemetry';
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Database } from './database.ts';
import { eventually } from './eventually.fixture.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
let primary: FaultProxy;
let replicas: FaultProxy[];
let database: Database;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
});

beforeEach(async () => {
  primary = await faultProxy(nodes.primaryUrl);
  replicas = await Promise.all(nodes.replicaUrls.map((url) => faultProxy(url)));
});

afterEach(async () => {
  await database.close();
  await Promise.all([primary, ...replicas].map((proxy) => proxy.close()));
});

afterAll(() => nodes.drop());

function open(): Database {
  database = new Database({
    name: 'notes',
    entities: [Note],
    primaryUrl: primary.url,
    replicaUrls: replicas.map((replica) => replica.url),
  });
  return database;
}

async function openHealthy(): Promise<void> {
  open();
  await eventually(() => database.nodes.every((node) => node.up));
}

const readNote = () => database.read((manager) => manager.findOneByOrFail(Note, { id: 1 }));

/** Reads without pause until told to stop; returns what failed. */
function readSteadily(): { stop: () => Promise<unknown[]> } {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const reader = async () => {
    while (!stopping.signal.aborted) {
      await readNote().catch((error: unknown) => failures.push(error));
    }
  };
  const readers = Array.from({ length: 4 }, reader);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(readers);
      return failures;
    },
  };
}

describe('a replica', () => {
  test('that is down at the start holds up neither the start nor reads', async () => {
    await replicas[0]?.refuse();
    open();
    await expect(readNote()).resolves.toMatchObject({ text: 'first' });
  });

  test('that dies costs no read', async () => {
    await openHealthy();
    const reading = readSteadily();
    await replicas[0]?.refuse();
    await eventually(() => database.nodes[1]?.up === false);
    expect(await reading.stop()).toEqual([]);
  });

  test('that hangs costs no read', async () => {
    await openHealthy();
    const reading = readSteadily();
    replicas[0]?.stall();
    await eventually(() => database.nodes[1]?.up === false);
    expect(await reading.stop()).toEqual([]);
  });

  test('that comes back gets reads again', async () => {
    await replicas[0]?.refuse();
    open();
    await eventually(() => database.nodes[2]?.up === true);
    await replicas[0]?.heal();
    await eventually(() => database.nodes[1]?.up === true);
    await expect(readNote()).resolves.toMatchObject({ text: 'first' });
  });
});

describe('with all replicas down', () => {
  test('the primary serves reads', async () => {
    for (const replica of replicas) await replica.refuse();
    open();
    await expect(readNote()).resolves.toMatchObject({ text: 'first' });
  });
});

describe('with the primary down', () => {
  test('reads work', async () => {
    await primary.refuse();
    open();
    await expect(readNote()).resolves.toMatchObject({ text: 'first' });
  });

  test('a write is refused with primary-unavailable', async () => {
    await openHealthy();
    await primary.refuse();
    await eventually(() => !database.nodes[0]?.up);
    await expect(database.write(async () => {})).rejects.toMatchObject({ code: 'primary-unavailable' });
  });

  test('a write under way fails with primary-unavailable', async () => {
    await openHealthy();
    const writing = database.write(async (tx) => {
      await tx.query('SELECT 1');
      await primary.refuse();
      await tx.query('SELECT 1');
    });
    await expect(writing).rejects.toMatchObject({ code: 'primary-unavailable' });
  });

  test('writes work again when it is back', async () => {
    await primary.refuse();
    open();
    await eventually(() => database.nodes[0]?.known === true);
    await primary.heal();
    await eventually(() => database.primary !== undefined);
    await expect(database.write(async () => 'written')).resolves.toBe('written');
  });

  test('a read of what no replica has yet is refused, not served stale', async () => {
    await openHealthy();
    await primary.refuse();
    const context = createContext({ positions: new Map([['notes', 'FFFFFFFF/0']]) });
    await expect(runInContext(context, readNote)).rejects.toMatchObject({ code: 'no-node-available' });
  });
});

describe('a connection that breaks during COMMIT', () => {
  test('leaves the outcome unknown', async () => {
    await openHealthy();
    // The constraint's check holds COMMIT up, long enough to break the connection within it.
    await database.write((tx) =>
      tx.query(`
        CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION linger()`),
    );
    const writing = database.write(async (tx) => {
      await tx.insert(Note, { id: 500, text: 'perhaps' });
      setTimeout(() => void primary.refuse(), 200);
    });
    await expect(writing).rejects.toMatchObject({ code: 'outcome-unknown' });
  });
});

describe('with every node down', () => {
  test('a read fails with no-node-available', async () => {
    for (const proxy of [primary, ...replicas]) await proxy.refuse();
    open();
    await expect(readNote()).rejects.toMatchObject({ code: 'no-node-available' });
  });

  test('the check of health fails', async () => {
    for (const proxy of [primary, ...replicas]) await proxy.refuse();
    open();
    await expect(database.checkReadable()).rejects.toMatchObject({ code: 'no-node-available' });
  });
});
