import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { afterCommit } from './after-commit.ts';
import { beforeCommit } from './before-commit.ts';
import { literal } from './index.ts';
import { Database } from './database.ts';
import { eventually } from './eventually.fixture.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
const open: Database[] = [];

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});

afterAll(() => nodes.drop());

async function openDatabase(options: { poolSize?: number; connectTimeoutMs?: number; maximumWaiting?: number } = {}): Promise<Database> {
  const { primaryUrl, replicaUrls } = nodes;
  const database = new Database({ name: 'notes', entities: [Note], primaryUrl, replicaUrls, ...options });
  open.push(database);
  await eventually(() => database.nodes.every((node) => node.up));
  return database;
}

const portOf = 'SELECT inet_server_port() AS port, pg_is_in_recovery() AS standby';
type Served = [{ port: number; standby: boolean }];

describe('read', () => {
  test('is served by replicas in turn', async () => {
    const database = await openDatabase();
    const served = new Set<number>();
    for (let count = 0; count < 6; count += 1) {
      const [{ port, standby }] = await database.read((manager) => manager.query<Served>(portOf));
      expect(standby).toBe(true);
      served.add(port);
    }
    expect(served.size).toBe(nodes.replicaUrls.length);
  });

  test('loads entities', async () => {
    const database = await openDatabase();
    const note = await database.read((manager) => manager.findOneBy(Note, { id: 1 }));
    expect(note?.text).toBe('first');
  });

  test('goes to the primary when no replica has reached the position of the context', async () => {
    const database = await openDatabase();
    const context = createContext({ positions: new Map([['notes', 'FFFFFFFF/0']]) });
    const [{ standby }] = await runInContext(context, () =>
      database.read((manager) => manager.query<Served>(portOf)),
    );
    expect(standby).toBe(false);
  });

  test('ignores the position of another database', async () => {
    const database = await openDatabase();
    const context = createContext({ positions: new Map([['other', 'FFFFFFFF/0']]) });
    const [{ standby }] = await runInContext(context, () =>
      database.read((manager) => manager.query<Served>(portOf)),
    );
    expect(standby).toBe(true);
  });

  test('always sees what the context wrote before', async () => {
    const database = await openDatabase();
    for (let id = 100; id < 150; id += 1) {
      await runInContext(createContext(), async () => {
        await database.write((tx) => tx.insert(Note, { id, text: `note ${id}` }));
        expect(await database.read((manager) => manager.existsBy(Note, { id }))).toBe(true);
      });
    }
  });

  test('returns to replicas once they have caught up with the write', async () => {
    const database = await openDatabase();
    await runInContext(createContext(), async () => {
      await database.write((tx) => tx.insert(Note, { id: 200, text: 'caught up' }));
      const served = async () => {
        const [{ standby }] = await database.read((manager) => manager.query<Served>(portOf));
        return standby;
      };
      await expect.poll(served).toBe(true);
    });
  });

  test('refuses a write on a replica', async () => {
    const database = await openDatabase();
    const writing = database.read((reader) => reader.query(`INSERT INTO note VALUES (300, 'refused')`));
    await expect(writing).rejects.toMatchObject({ code: '25006' });
  });

  test('refuses a write on the primary', async () => {
    const database = await openDatabase();
    const context = createContext({ positions: new Map([['notes', 'FFFFFFFF/0']]) });
    const writing = runInContext(context, () =>
      database.read((reader) => reader.createQueryBuilder().insert().into(Note).values({ id: 301, text: 'refused' }).execute()),
    );
    await expect(writing).rejects.toMatchObject({ driverError: { code: '25006' } });
  });

  test('refuses to begin a write', async () => {
    const database = await openDatabase();
    const writing = database.read(() => database.write((tx) => tx.insert(Note, { id: 302, text: 'refused' })));
    await expect(writing).rejects.toMatchObject({ code: 'write-within-read' });
  });
});

describe('write', () => {
  test('rolls back when it throws', async () => {
    const database = await openDatabase();
    const writing = database.write(async (tx) => {
      await tx.insert(Note, { id: 400, text: 'rolled back' });
      throw new Error('no');
    });
    await expect(writing).rejects.toThrow('no');
    expect(await database.write((tx) => tx.existsBy(Note, { id: 400 }))).toBe(false);
  });

  test('takes a transaction within as a savepoint', async () => {
    const database = await openDatabase();
    await database.write(async (tx) => {
      await tx.insert(Note, { id: 410, text: 'outer' });
      const inner = tx.transaction(async (nested) => {
        await nested.insert(Note, { id: 411, text: 'inner' });
        throw new Error('inner');
      });
      await expect(inner).rejects.toThrow('inner');
    });
    const kept = await database.write((tx) => tx.findBy(Note, [{ id: 410 }, { id: 411 }]));
    expect(kept.map((note) => note.id)).toEqual([410]);
  });

  test('does not pass for committed when the error of a statement was swallowed', async () => {
    const database = await openDatabase();
    const writing = database.write(async (tx) => {
      await tx.insert(Note, { id: 420, text: 'lost' });
      await tx.query('SELECT 1/0').catch(() => {});
    });
    await expect(writing).rejects.toThrow('rolled back');
  });

  test('raises the position of the context', async () => {
    const database = await openDatabase();
    const context = createContext();
    await runInContext(context, () => database.write((tx) => tx.insert(Note, { id: 430, text: 'position' })));
    expect(context.positions.get('notes')).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });

  test('runs what waits for its commit', async () => {
    const database = await openDatabase();
    const committed: string[] = [];
    await database.write(async (tx) => afterCommit(tx, ({ name }) => committed.push(name)));
    await database.write(async (tx) => {
      afterCommit(tx, () => committed.push('rolled back'));
      throw new Error('no');
    }).catch(() => {});
    expect(committed).toEqual(['notes']);
  });

  test('runs statements with its commit, or none of all when one of them fails', async () => {
    const database = await openDatabase();
    const add = (id: number) => `INSERT INTO note (id, text) VALUES (${id}, ${literal(`it's ${id}`)})`;
    await database.write(async (tx) => {
      beforeCommit(tx, add(441));
      beforeCommit(tx, `${add(442)}; ${add(443)}`);
      await tx.insert(Note, { id: 440, text: 'before the commit' });
    });
    const failing = database.write(async (tx) => {
      await tx.insert(Note, { id: 444, text: 'lost' });
      beforeCommit(tx, `${add(445)}; ${add(441)}; ${add(446)}`);
    });
    await expect(failing).rejects.toMatchObject({ constraint: 'note_pkey' });
    const kept = await database.write((tx) => tx.query<{ id: number }[]>('SELECT id FROM note WHERE id BETWEEN 440 AND 449 ORDER BY id'));
    expect(kept.map(({ id }) => Number(id))).toEqual([440, 441, 442, 443]);
  });

  test('fails with pool-exhausted when no connection becomes free', async () => {
    const database = await openDatabase({ poolSize: 1, connectTimeoutMs: 100 });
    const held = Promise.withResolvers<void>();
    const holder = database.write(() => held.promise);
    await expect(database.write(async () => {})).rejects.toMatchObject({ code: 'pool-exhausted' });
    held.resolve();
    await holder;
  });

  test('fails with pool-exhausted at once when as many as may wait do so', async () => {
    const database = await openDatabase({ poolSize: 1, maximumWaiting: 2 });
    const held = Promise.withResolvers<void>();
    const holder = database.write(() => held.promise);
    await eventually(() => database.primary?.pool.used === 1);
    const waiting = [database.write(async () => 1), database.write(async () => 2)];
    await eventually(() => database.primary?.pool.waiting === 2);
    await expect(database.write(async () => 3)).rejects.toMatchObject({ code: 'pool-exhausted', retryAfterMs: 1000 });
    held.resolve();
    await holder;
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });
});
