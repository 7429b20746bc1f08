import { setTimeout as delay } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { defineCalls } from '@tenfold/contracts';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { closeAll, eventually, startClient, startReplica } from './calls.fixture.ts';
import { Answers, CallError } from './index.ts';

afterEach(closeAll);

const rowCalls = defineCalls('rows', {
  rows: {
    request: z.strictObject({ count: z.int(), failAt: z.int().default(-1), everyMs: z.int().default(0), padding: z.int().default(0) }),
    response: z.strictObject({ id: z.int(), text: z.string() }),
    errors: ['broken'],
    idempotent: true,
    stream: true,
    maxResponseBytes: 40_000,
  },
});
type Rows = typeof rowCalls.calls.rows;

/** How far the handler of the last stream came, and whether it has ended. */
let made = 0;
let ended = false;

@Controller()
class RowsHandler {
  @Answers(rowCalls.calls.rows)
  async *rows({ count, failAt, everyMs, padding }: z.output<Rows['request']>): AsyncGenerator<{ id: number; text: string }> {
    made = 0;
    ended = false;
    try {
      for (let id = 0; id < count; id += 1) {
        if (id === failAt) throw new CallError('broken', `broken at ${id}`);
        if (everyMs > 0) await delay(everyMs);
        made += 1;
        yield { id, text: 'x'.repeat(padding) };
      }
    } finally {
      ended = true;
    }
  }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

async function start() {
  const { address } = await startReplica('a', { contract: rowCalls, handlers: [RowsHandler] });
  return startClient(address, { contract: rowCalls });
}

test('a stream gives its items in order and ends', async () => {
  const client = await start();
  const ids: number[] = [];
  for await (const { id } of client.rows({ count: 2500 })) ids.push(id);

  expect(ids).toEqual(Array.from({ length: 2500 }, (_, id) => id));
});

test('an empty stream ends at once', async () => {
  const client = await start();

  expect(await all(client.rows({ count: 0 }))).toEqual([]);
});

test('a caller that takes nothing stops the handler', async () => {
  const client = await start();
  const rows = client.rows({ count: 100_000 });
  await rows.next();
  await eventually(() => made > 300);
  const before = made;
  await delay(100);

  expect(made).toBe(before);
  expect(made).toBeLessThan(1000);
  let count = 1;
  for await (const _ of rows) count += 1;
  expect(count).toBe(100_000);
});

test('leaving the loop ends the handler', async () => {
  const client = await start();
  for await (const { id } of client.rows({ count: 1_000_000 })) if (id === 150) break;
  await eventually(() => ended);

  expect(made).toBeLessThan(2000);
});

test('items that come slowly are not held back', async () => {
  const client = await start();
  const rows = client.rows({ count: 1000, everyMs: 20 });
  expect((await rows.next()).value).toMatchObject({ id: 0 });

  expect(made).toBeLessThan(500);
  await rows.return?.();
  await eventually(() => ended);
});

test('a failure in the middle reaches the caller after the items before it', async () => {
  const client = await start();
  const ids: number[] = [];
  const outcome = await (async () => {
    for await (const { id } of client.rows({ count: 1000, failAt: 250 })) ids.push(id);
  })().catch((error: unknown) => error);

  expect(outcome).toMatchObject({ code: 'broken', message: 'broken at 250' });
  expect(ids.length).toBe(200);
});

test('a part that would be too long travels in two', async () => {
  const client = await start();
  const rows = await all(client.rows({ count: 400, padding: 1000 }));

  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 400 }, (_, id) => id));
});

test('an item that is too long by itself fails the stream', async () => {
  const client = await start();

  await expect(all(client.rows({ count: 3, padding: 50_000 }))).rejects.toMatchObject({ code: 'internal' });
});

test('a stream ends at its deadline', async () => {
  const client = await start();

  await expect(all(client.rows({ count: 1000, everyMs: 10 }, { deadlineMs: 100 }))).rejects.toMatchObject({ code: 'deadline-exceeded' });
  await eventually(() => ended);
});
