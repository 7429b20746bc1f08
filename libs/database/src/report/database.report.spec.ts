import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../test-database.ts';
import type { TestDatabase } from '../test-database.ts';
import { reportOn } from './database.report.ts';

let nodes: TestDatabase;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [] });
  const client = new Client({ connectionString: nodes.primaryUrl });
  await client.connect();
  await client.query(`
    create table author (id int primary key, name text);
    create table book (id int primary key, author int references author, title text, note text);
    insert into author select n, 'name' from generate_series(1, 100) as n;
    insert into book select n, 1 + n % 100, 'title ' || n, repeat('x', 60) from generate_series(1, 50000) as n;
    create index book_title on book (title);
    create index book_title_note on book (title, note);
    select count(*) from book;
    update book set note = 'y' where id < 5000;
    analyze;`);
  for (let turn = 0; turn < 3; turn += 1) await client.query('select count(*) from author where id > $1', [turn]);
  await client.end();
});

afterAll(() => nodes.drop());

test('the report of a primary names what is wrong with it', async () => {
  // Statistics of the server become visible a moment after the fact.
  await expect.poll(() => reportOn({ name: 'books', url: nodes.primaryUrl })).toMatch(/Dead rows[^]*book /);
  const report = await reportOn({ name: 'books', url: nodes.primaryUrl });
  expect(report).toMatch(/^books \(primary\)/);
  expect(report).toMatch(/Statements by total time[^]*from author where id/);
  expect(report).toMatch(/Unused indexes[^]*book_title/);
  expect(report).toMatch(/Duplicate indexes[^]*book_title +book_title_note/);
  expect(report).toMatch(/Foreign keys without an index[^]*book_author_fkey/);
  expect(report).toMatch(/Replication[^]*postgres_replica_1/);
  expect(report).not.toContain('problem');
});

test('the report of a replica leaves out what only a primary knows', async () => {
  const report = await reportOn({ name: 'books', url: nodes.replicaUrls[0] ?? '' });
  expect(report).toMatch(/^books \(replica\)/);
  expect(report).toContain('Cache hit ratio');
  expect(report).not.toMatch(/Foreign keys|problem/);
});
