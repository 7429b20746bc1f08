import { afterEach, describe, expect, test } from 'vitest';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { Client } from 'pg';
import { migrationTargets, runMigrations } from './migration.runner.ts';
import { CreateNote1763000000000 } from './note.fixture.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

class BreakHalfway1763000000009 implements MigrationInterface {
  readonly name = 'BreakHalfway1763000000009';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE half (id int)');
    await runner.query('SELECT 1/0');
  }

  async down(): Promise<void> {}
}

let database: TestDatabase | undefined;

afterEach(async () => {
  await database?.drop();
  database = undefined;
});

async function emptyDatabase(): Promise<string> {
  database = await createTestDatabase({ migrations: [], replicaUrls: [] });
  return database.primaryUrl;
}

describe('runMigrations', () => {
  test('applies what is missing, once', async () => {
    const url = await emptyDatabase();
    const migrations = [CreateNote1763000000000];
    expect(await runMigrations({ url, migrations })).toEqual(['CreateNote1763000000000']);
    expect(await runMigrations({ url, migrations })).toEqual([]);
  });

  test('is safe when run twice at the same time', async () => {
    const url = await emptyDatabase();
    const migrations = [CreateNote1763000000000];
    const applied = await Promise.all([runMigrations({ url, migrations }), runMigrations({ url, migrations })]);
    expect(applied.flat()).toEqual(['CreateNote1763000000000']);
  });

  test('leaves nothing of a migration that fails, and keeps those before it', async () => {
    const url = await emptyDatabase();
    const migrations = [CreateNote1763000000000, BreakHalfway1763000000009];
    await expect(runMigrations({ url, migrations })).rejects.toThrow('division by zero');
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(`SELECT to_regclass('note') AS note, to_regclass('half') AS half`);
    await client.end();
    expect(rows).toEqual([{ note: 'note', half: null }]);
  });
});

describe('migrationTargets', () => {
  test('finds the single database', () => {
    expect(migrationTargets({ DATABASE_PRIMARY_URL: 'postgres://one/a' })).toEqual(['postgres://one/a']);
  });

  test('finds every shard', () => {
    const environment = {
      DATABASE_SHARD_0_PRIMARY_URL: 'postgres://zero/a',
      DATABASE_SHARD_1_PRIMARY_URL: 'postgres://one/a',
    };
    expect(migrationTargets(environment)).toEqual(['postgres://zero/a', 'postgres://one/a']);
  });
});
