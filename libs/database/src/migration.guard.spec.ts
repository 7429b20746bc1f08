import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import { backfill } from './backfill.ts';
import { disagreements } from './entity.agreement.ts';
import type { AcceptingMigration } from './migration.guard.ts';
import { runMigrations } from './migration.runner.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
let client: Client;

beforeEach(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
  client = new Client({ connectionString: nodes.primaryUrl });
  await client.connect();
  await client.query(`insert into note select n, 'note ' || n from generate_series(2, 20000) as n`);
  await client.query('analyze note');
});

afterEach(async () => {
  await client.end();
  await nodes.drop();
});

class IndexTexts1763000000001 implements AcceptingMigration {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table note add column kind text');
    await runner.query('create index note_kind on note (kind)');
  }
  async down(): Promise<void> {}
}

class AcceptedIndex1763000000002 extends IndexTexts1763000000001 {
  // A test's table.
  readonly accepts = ['create-index'] as const;
}

const columns = async () => (await client.query<{ column: string }>(`select column_name as column from information_schema.columns where table_name = 'note'`)).rows.map(({ column }) => column).sort();

describe('a migration that would lock a large table', () => {
  test('is refused with what to do instead, and leaves nothing', async () => {
    const running = runMigrations({ url: nodes.primaryUrl, migrations: [CreateNote1763000000000, IndexTexts1763000000001] });
    await expect(running).rejects.toMatchObject({ code: 'unsafe-migration', message: expect.stringContaining('create index concurrently') as string });
    expect(await columns()).toEqual(['id', 'text']);
  });

  test('is applied when it says that it knows', async () => {
    const applied = await runMigrations({ url: nodes.primaryUrl, migrations: [CreateNote1763000000000, AcceptedIndex1763000000002] });
    expect(applied).toEqual(['AcceptedIndex1763000000002']);
  });

  test('is applied while the table is small', async () => {
    const applied = await runMigrations({ url: nodes.primaryUrl, migrations: [CreateNote1763000000000, IndexTexts1763000000001], largeRows: 50_000 });
    expect(applied).toEqual(['IndexTexts1763000000001']);
  });
});

class AddKind1763000000003 implements AcceptingMigration {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table note add column kind text');
  }
  async down(): Promise<void> {}
}

class FillKind1763000000004 implements AcceptingMigration {
  readonly transaction = false;
  async up(runner: QueryRunner): Promise<void> {
    await backfill(runner, { table: 'note', key: 'id', set: `kind = 'plain'`, where: 'kind is null', batchRows: 5000, pauseMs: 0 });
    await runner.query('create index concurrently note_kind on note (kind)');
  }
  async down(): Promise<void> {}
}

class RequireKind1763000000005 implements AcceptingMigration {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table note add constraint kind_given check (kind is not null) not valid');
  }
  async down(): Promise<void> {}
}

class ValidateKind1763000000006 implements AcceptingMigration {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table note validate constraint kind_given');
    await runner.query('alter table note alter column kind set not null');
  }
  readonly accepts = ['set-not-null'] as const;
  async down(): Promise<void> {}
}

test('expand, backfill and contract change a large table beside a version that does not know of it', async () => {
  const expand = [CreateNote1763000000000, AddKind1763000000003];
  await runMigrations({ url: nodes.primaryUrl, migrations: expand });
  await client.query(`insert into note values (30000, 'of the old version')`);
  await runMigrations({ url: nodes.primaryUrl, migrations: [...expand, FillKind1763000000004] });
  const contract = [RequireKind1763000000005, ValidateKind1763000000006];
  await runMigrations({ url: nodes.primaryUrl, migrations: [...expand, FillKind1763000000004, ...contract] });
  const { rows } = await client.query<{ filled: number }>(`select count(*)::int as filled from note where kind = 'plain'`);
  expect(rows).toEqual([{ filled: 20_001 }]);
});

describe('entities and database', () => {
  test('agree after the migrations', async () => {
    expect(await disagreements(nodes.primaryUrl, [Note])).toEqual([]);
  });

  test('do not when a column was renamed, or an insert would have to give one more', async () => {
    await client.query('alter table note rename column text to body');
    expect(await disagreements(nodes.primaryUrl, [Note])).toEqual(['Note.text: note has no column text', 'Note: an insert must give body, which the entity does not know']);
  });

  test('do not when a type or nullability differs', async () => {
    await client.query('alter table note alter column text drop not null, alter column id type bigint');
    expect(await disagreements(nodes.primaryUrl, [Note])).toEqual(['Note.id: the entity says integer, the database bigint', 'Note.text: may be null in the database']);
  });
});
