import { startSpanReceiver } from '@tenfold/local-cluster/testing';
import { createContext, inSpan, runInContext, startRootSpan, startTracing } from '@tenfold/telemetry';
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

const itself: Record<string, unknown> = {};
itself['itself'] = itself;

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

  test('are answered alike the first time, when their columns are asked for, and afterwards', async () => {
    const given = statement('given', 'select $1::int[]::text as numbers, $2::timestamptz as at, $3::text as nothing', { numbers: text, at: instant, nothing: nullable(text) });
    const at = new Date('2026-01-01Z');
    for (const of of [database, direct]) {
      for (let turn = 0; turn < 8; turn += 1) expect(await of.rows(given, [[1, turn], at, null])).toEqual([{ numbers: `{1,${turn}}`, at, nothing: null }]);
    }
  });

  test.each([
    ['parameters that cannot be sent', [itself], 'circular'],
    ['a value that no number holds', ['9007199254740993'], 'too large for a number'],
    ['what the server refuses', ['no number'], 'invalid input syntax'],
  ])('fail with %s, and the connection is good afterwards', async (_, parameters, message) => {
    const large = statement('large', 'select $1::bigint as held', { held: bigint });
    for (const of of [database, direct]) {
      await expect(of.rows(large, parameters)).rejects.toThrow(message);
      await expect(onPrimary(() => of.rows(large, parameters))).rejects.toThrow(message);
      for (let turn = 0; turn < 8; turn += 1) expect(await of.rows(large, [turn])).toEqual([{ held: turn }]);
    }
  });

  test('have a span each below the read of whoever asks, also when they wait for a connection', async () => {
    const receiver = await startSpanReceiver();
    const exporter = { kind: 'otlp', protocol: 'http/json', endpoint: receiver.url } as const;
    const stop = await startTracing({ service: 'test', version: '1', replica: 'test-1', exporter, sampleRatio: 1, slowMs: 0, onFailure: () => {} });
    const spanned = statement('spanned', 'select 7 as number', { number: int });
    const asked = async () => {
      const root = startRootSpan('request', 'server', createContext());
      await inSpan(root, () => database.rows(spanned, []));
      root?.end();
    };
    await Promise.all(Array.from({ length: 30 }, asked));
    await stop();
    await receiver.close();

    const idsOf = (name: string) => receiver.spans.filter((span) => span.name === name).map(({ spanId }) => spanId);
    const parents = receiver.spans.filter(({ name }) => name === 'spanned').map(({ parentSpanId }) => parentSpanId);
    expect(parents).toHaveLength(30);
    expect(parents.toSorted()).toEqual(idsOf('database read').toSorted());
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
