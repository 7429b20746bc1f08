import { createContext, runInContext } from '@tenfold/telemetry';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { moveBucket } from './bucket.move.ts';
import { CreateMovedBuckets1763000000100 } from './bucket.moves.ts';
import { bucketOf } from './bucket.ts';
import { pause } from './own-servers.fixture.ts';
import { ShardedDatabase } from './sharded-database.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

class CreateEntry1763000000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table entry (account text not null, number int not null, primary key (account, number))');
  }
  async down(): Promise<void> {}
}

const migrations = [CreateMovedBuckets1763000000100, CreateEntry1763000000200];
const tables = [{ name: 'entry', key: 'account' }];
const account = 'account-1';
const bucket = bucketOf(account);

let nodes: TestDatabase[];
let clients: Client[];
/** Two processes of a service. */
let processes: ShardedDatabase[];

beforeEach(async () => {
  nodes = [await createTestDatabase({ migrations }), await createTestDatabase({ migrations, primaryUrl: inject('servers').postgresShard1, replicaUrls: [] })];
  clients = nodes.map(({ primaryUrl }) => new Client({ connectionString: primaryUrl }));
  for (const client of clients) await client.connect();
  processes = [1, 2].map(() => new ShardedDatabase({ name: 'entries', entities: [], shards: nodes, bucketMap: Array.from({ length: 1024 }, () => 0), movable: true }));
});

afterEach(async () => {
  await Promise.all(processes.map((process) => process.close()));
  for (const client of clients) await client.end();
  for (const node of nodes) await node.drop();
});

function move(from: number, to: number): Promise<number> {
  return moveBucket({ bucket, tables, from: { shard: from, client: clients[from] as Client }, to: { shard: to, client: clients[to] as Client } });
}

const held = async (shard: number) => (await clients[shard]?.query<{ number: number }>('select number from entry where account = $1 order by number', [account]))?.rows.map(({ number }) => number);

test('a bucket moves there and back under load: nothing is lost, doubled, refused or unseen', async () => {
  const stopping = new AbortController();
  const acknowledged: number[] = [];
  const failures: unknown[] = [];
  const unseen: number[] = [];
  let next = 1;
  const session = async (writing: ShardedDatabase, reading: ShardedDatabase) => {
    while (!stopping.signal.aborted) {
      const number = next++;
      await runInContext(createContext(), async () => {
        await writing.write(account, (tx) => tx.query('insert into entry values ($1, $2)', [account, number]));
        acknowledged.push(number);
        const seen = await reading.read(account, (reader) => reader.query<object[]>('select from entry where account = $1 and number = $2', [account, number]));
        if (seen.length === 0) unseen.push(number);
      }).catch((error: unknown) => failures.push(error));
      await pause(1);
    }
  };
  const [one, two] = processes as [ShardedDatabase, ShardedDatabase];
  const sessions = [session(one, two), session(two, one), session(one, one)];
  const untilMore = async () => {
    const enough = acknowledged.length + 50;
    while (acknowledged.length < enough && failures.length === 0) await pause(10);
  };
  await untilMore();
  const moved = await move(0, 1);
  await untilMore();
  const onTarget = (await held(1))?.length ?? 0;
  const onSource = await held(0);
  await move(1, 0);
  await untilMore();
  stopping.abort();
  await Promise.all(sessions);

  expect(failures).toEqual([]);
  expect(unseen).toEqual([]);
  expect(moved).toBeGreaterThan(0);
  expect(onTarget).toBeGreaterThan(moved);
  expect(onSource).toEqual([]);
  expect(await held(0)).toEqual(acknowledged.toSorted((a, b) => a - b));
  expect(await held(1)).toEqual([]);
});

test('a move that was broken off keeps the bucket closed, and is made again', async () => {
  const [one] = processes as [ShardedDatabase];
  await one.write(account, (tx) => tx.query('insert into entry values ($1, 1)', [account]));
  await clients[0]?.query(`insert into moved_buckets values ($1, 1, 'moving')`, [bucket]);
  await clients[1]?.query('insert into entry values ($1, 1)', [account]);
  const waiting = one.write(account, (tx) => tx.query('insert into entry values ($1, 2)', [account]));
  await move(0, 1);
  await waiting;
  expect(await held(1)).toEqual([1, 2]);
  expect(await held(0)).toEqual([]);
});

test('a write of many keys is one transaction in each shard, and waits for a bucket that moves', async () => {
  const [one] = processes as [ShardedDatabase];
  const accounts = [account, 'account-2', 'account-3'];
  const transactions: number[][] = [];
  const writeAll = () =>
    one.writeAll([...accounts.entries()], ([, key]) => key, async (tx, entries) => {
      transactions.push(entries.map(([number]) => number));
      for (const [number, key] of entries) await tx.query('insert into entry values ($1, $2)', [key, number]);
    });
  await writeAll();
  expect(transactions).toEqual([[0, 1, 2]]);
  for (const client of clients) await client.query('truncate entry');

  await clients[0]?.query(`insert into moved_buckets values ($1, 1, 'moving')`, [bucket]);
  const waiting = writeAll();
  await move(0, 1);
  await waiting;
  expect(transactions.slice(1).toSorted()).toEqual([[0], [1, 2]]);
  expect(await held(1)).toEqual([0]);
});
