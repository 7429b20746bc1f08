import { createContext, runInContext } from '@tenfold/telemetry';
import { Client } from 'pg';
import { afterEach, expect, inject, test } from 'vitest';
import { Database } from './database.ts';
import { DatabaseError } from './database.error.ts';
import { eventually } from './eventually.fixture.ts';
import { int, statement } from './statement.ts';

const open: Database[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});

const servers = inject('servers');
// PgBouncer's name for a database that every cluster has; nothing of what is in it matters here.
const ways = [
  ['directly', servers.postgresPrimary, servers.postgresReplicas],
  ['through PgBouncer', `${servers.pgbouncer}/accounts_primary`, [`${servers.pgbouncer}/accounts_replica_1`]],
] as const;

async function openDatabase(primaryUrl: string, replicaUrls: readonly string[], poolSize = 1): Promise<Database> {
  const database = new Database({ name: 'anything', entities: [], primaryUrl, replicaUrls: [...replicaUrls], poolSize });
  open.push(database);
  await eventually(() => database.nodes.every((node) => node.up));
  return database;
}

/** Statements with this mark that run on any server. */
async function running(mark: string): Promise<number> {
  let count = 0;
  for (const url of [servers.postgresPrimary, ...servers.postgresReplicas]) {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()`,
      [`%${mark}%`],
    );
    count += rows[0]?.count ?? 0;
    await client.end();
  }
  return count;
}

let marks = 0;
const newMark = () => `mark-${process.pid}-${(marks += 1)}`;
const within = <Result>(ms: number, run: () => Promise<Result>) => runInContext(createContext({ deadline: Date.now() + ms }), run);
const outOfTime = expect.objectContaining({ code: 'deadline-exceeded' }) as DatabaseError;

test.each(ways)('a write that runs when its time is up is ended by the server, and its connection is good again: %s', async (_, primaryUrl, replicaUrls) => {
  const database = await openDatabase(primaryUrl, replicaUrls);
  const mark = newMark();
  const write = within(300, () => database.write((tx) => tx.query(`SELECT pg_sleep(60) /* ${mark} */`)));
  const seen = eventually(async () => (await running(mark)) === 1);

  await expect(write).rejects.toEqual(outOfTime);
  await seen;
  expect(await running(mark)).toBe(0);
  for (let again = 0; again < 20; again += 1) expect(await database.write((tx) => tx.query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
});

test.each(ways)('a read that runs when its time is up is ended by the server: %s', async (_, primaryUrl, replicaUrls) => {
  const database = await openDatabase(primaryUrl, replicaUrls);
  const [mark, hot] = [newMark(), newMark()];
  const sleep = statement('sleep', `SELECT 1 AS one FROM pg_sleep(60) /* ${hot} */`, { one: int });
  const reads = [
    within(300, () => database.read((reader) => reader.query(`SELECT pg_sleep(60) /* ${mark} */`))),
    within(600, () => database.rows(sleep, [])),
  ];

  await expect(reads[0]).rejects.toEqual(outOfTime);
  await expect(reads[1]).rejects.toEqual(outOfTime);
  expect((await running(mark)) + (await running(hot))).toBe(0);
});

test('what waited for a connection until its time was up is never begun', async () => {
  const database = await openDatabase(servers.postgresPrimary, []);
  const first = database.write((tx) => tx.query('SELECT pg_sleep(0.5)'));
  let begun = false;
  const late = within(200, () =>
    database.write(async () => {
      begun = true;
    }),
  );

  await expect(late).rejects.toEqual(outOfTime);
  await first;
  expect(begun).toBe(false);
});

test('an end that comes too late ends nobody else\'s statement', async () => {
  const database = await openDatabase(`${servers.pgbouncer}/accounts_primary`, [], 2);
  const outcomes: unknown[] = [];
  // Statements that are over at about the moment at which they would be ended, with others right behind them.
  for (let round = 0; round < 40; round += 1) {
    const limited = within(40, () => database.write((tx) => tx.query('SELECT pg_sleep(0.04)'))).catch((error: unknown) => error);
    outcomes.push(await limited, ...(await Promise.all([1, 2, 3].map(() => database.write((tx) => tx.query('SELECT 1 AS one, pg_sleep(0.002)'))))));
  }

  const errors = outcomes.filter((outcome) => outcome instanceof Error);
  for (const error of errors) expect(error).toEqual(outOfTime);
  expect(outcomes.filter((outcome) => Array.isArray(outcome)).length).toBeGreaterThanOrEqual(120);
});
