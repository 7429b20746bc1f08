import { createContext, runInContext } from '@tenfold/telemetry';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { Database } from './database.ts';
import { eventually } from './eventually.fixture.ts';
import { CreateNote1763000000000, Note } from './note.fixture.ts';
import { bigint, boolean, instant, int, json, nullable, statement, text } from './statement.ts';
import { createTestDatabase } from './test-database.ts';
import type { TestDatabase } from './test-database.ts';

let nodes: TestDatabase;
let database: Database;
let direct: Database;

beforeAll(async () => {
  nodes = await createTestDatabase({ migrations: [CreateNote1763000000000] });
  database = new Database({ name: 'notes', entities: [Note], ...nodes });
  direct = new Database({ name: 'direct', entities: [Note], ...nodes, preparedStatements: true });
  await eventually(() => [...database.nodes, ...direct.nodes].every((node) => node.up));
});

afterAll(async () => {
  await Promise.all([database.close(), direct.close()]);
  await nodes.drop();
});

/** In a context whose position no replica has, so that the primary answers. */
const onPrimary = <Result>(run: () => Promise<Result>) =>
  runInContext(createContext({ positions: new Map([['notes', 'FFFFFFFF/0']]) }), run);

const everyType = statement(
  'every type',
  `select 7 as number, 8::bigint as count, 'a' as word, true as yes, null::int as nothing, '2026-01-01Z'::timestamptz as at, '{"a":1}'::jsonb as held`,
  { number: int, count: bigint, word: text, yes: boolean, nothing: nullable(int), at: instant, held: json<{ a: number }>() },
);

describe('rows', () => {
  test('are typed by their declared columns', async () => {
    const rows = await database.rows(everyType, []);
    expectTypeOf(rows).items.toEqualTypeOf<{ number: number; count: number; word: string; yes: boolean; nothing: number | null; at: Date; held: { a: number } }>();
    expect(rows).toEqual([{ number: 7, count: 8, word: 'a', yes: true, nothing: null, at: new Date('2026-01-01Z'), held: { a: 1 } }]);
  });

  test('come from a replica, and from the primary where no replica will do', async () => {
    const where = statement('where', 'select pg_is_in_recovery() as standby', { standby: boolean });
    expect(await database.rows(where, [])).toEqual([{ standby: true }]);
    expect(await onPrimary(() => database.rows(where, []))).toEqual([{ standby: false }]);
  });

  test('of a statement that writes are refused on the primary, too, and the connection is good afterwards', async () => {
    const writing = statement('writing', `insert into note values (9, 'refused') returning id`, { id: int });
    await expect(onPrimary(() => database.rows(writing, []))).rejects.toMatchObject({ code: '25006' });
    expect(await onPrimary(() => database.rows(everyType, []))).toHaveLength(1);
  });

  test('are planned once on the server where statements are prepared', async () => {
    const counted = statement('counted', `select count(*) from pg_prepared_statements where name = 'counted'`, { count: bigint });
    for (let turn = 0; turn < 8; turn += 1) expect(await direct.rows(counted, [])).toEqual([{ count: 1 }]);
    expect(await database.rows(counted, [])).toEqual([{ count: 0 }]);
  });
});

describe('a declaration that the answer does not fit', () => {
  test.each([
    ['another type', { id: text, text }, 'column "id" is not text'],
    ['a missing column', { id: int, text, more: int }, 'column "more" is missing'],
    ['a column too many', { id: int }, 'column "text" is not declared'],
  ])('is refused: %s', async (_, columns, message) => {
    const wrong = statement('wrong', 'select id, text from note', columns);
    await expect(database.rows(wrong, [])).rejects.toThrow(message);
  });
});
