import { registry } from '@tenfold/telemetry';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Database } from './database.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
let database: Database;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
  database = new Database({ name: 'measured', entities: [Note], ...nodes });
});

afterAll(async () => {
  await database.close();
  await nodes.drop();
});

async function count(series: string): Promise<number> {
  const line = (await registry.metrics()).split('\n').find((row) => row.startsWith(`${series} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

const statements = (statement: string) => count(`database_statement_duration_seconds_count{database="measured",statement="${statement}"}`);
const transactions = (outcome: string) => count(`database_transactions_total{database="measured",outcome="${outcome}"}`);

test('statements are measured by their name, those of TypeORM and our own', async () => {
  await database.write(async (tx) => {
    await tx.findOneBy(Note, { id: 1 });
    await tx.query('INSERT INTO note VALUES ($1, $2)', [2, 'second']);
    await tx.query('/* note.count */ SELECT count(*) FROM note');
  });

  expect(await statements('select note')).toBe(1);
  expect(await statements('insert note')).toBe(1);
  expect(await statements('note.count')).toBe(1);
  expect(await statements('commit')).toBe(1);
});

test('a failed statement is measured, and its transaction counted as rolled back', async () => {
  const committed = await transactions('committed');
  const inserts = await statements('insert note');
  await expect(database.write((tx) => tx.query(`INSERT INTO note VALUES (1, 'again')`))).rejects.toThrow('duplicate key');

  expect(await statements('insert note')).toBe(inserts + 1);
  expect(await transactions('rolled-back')).toBe(1);
  expect(await transactions('committed')).toBe(committed);
});

test('a slow statement is logged by its name, without its values', async () => {
  const warn = vi.spyOn(Logger.prototype, 'warn');
  await database.write((tx) => tx.query('/* note.slow */ SELECT pg_sleep($1)', [0.3]));
  expect(warn).toHaveBeenCalledWith({ msg: 'slow statement', database: 'measured', statement: 'note.slow', tookMs: expect.any(Number) as number });
  warn.mockRestore();
});
