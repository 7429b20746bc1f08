import { inStatementBudget } from '@tenfold/telemetry';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Database } from './database.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { int, statement } from './statement.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
let database: Database;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
  database = new Database({ name: 'counted', entities: [Note], ...nodes });
  await database.checkReadable();
});

afterAll(async () => {
  await database.close();
  await nodes.drop();
});

const ids = [1, 2, 3, 4, 5];
const noteById = statement('note by id', 'select id from note where id = $1', { id: int });
const within = (limit: number, run: () => Promise<unknown>) => inStatementBudget('notes.list', limit, run);

test.each([
  ['the entity manager', (id: number) => database.read((reader) => reader.findOneBy(Note, { id }))],
  ['SQL', (id: number) => database.read((reader) => reader.query('select id from note where id = $1', [id]))],
  ['a hot read', (id: number) => database.rows(noteById, [id])],
  ['SQL on the primary', (id: number) => database.read((reader) => reader.query('select id from note where id = $1', [id]), { prefer: 'primary' })],
  ['a transaction', (id: number) => database.write((tx) => tx.findOneBy(Note, { id }))],
])('a loop of reads by %s goes over the budget that one statement keeps', async (_, read) => {
  const looped = within(1, async () => {
    for (const id of ids) await read(id);
  });
  await expect(looped).rejects.toMatchObject({ name: 'BudgetError', message: expect.stringMatching(/^notes\.list may run 1 statements and runs 2\..*\n {2}1\. .*select[^\n]*\n {2}2\. .*select[^\n]*$/is) as string });
  await within(1, () => read(1));
});

test('many at once are told apart from those of other requests, also when they wait for a connection', async () => {
  const one = () => within(2, async () => {
    await database.rows(noteById, [1]);
    await database.read((reader) => reader.query('select id from note where id = $1', [2]));
  });
  await Promise.all(Array.from({ length: 40 }, one));
  await expect(within(39, () => Promise.all(Array.from({ length: 40 }, (__, id) => database.read((reader) => reader.query('select $1::int', [id])))))).rejects.toThrow('runs 40');
});

test('what begins and ends a transaction is not counted', async () => {
  await expect(within(1, () => database.write((tx) => tx.query(`insert into note values (100, 'one')`)))).resolves.toBeDefined();
  await expect(within(0, () => database.write(async () => 'nothing'))).resolves.toBe('nothing');
});

test('a transaction that goes over is rolled back', async () => {
  const writing = within(1, () =>
    database.write(async (tx) => {
      for (const id of [201, 202]) await tx.query(`insert into note values ($1, 'over')`, [id]);
    }),
  );
  await expect(writing).rejects.toThrow('notes.list may run 1 statements');
  expect(await database.write((tx) => tx.query('select from note where id > 200'))).toEqual([]);
});
