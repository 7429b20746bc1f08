import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createTestDatabase, runSql } from '@tenfold/database/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../migrations/index.ts';
import type { ReportCheckpoint } from './report.thread.ts';
import { ReportThreads } from './report.threads.ts';

const rows = 400_000;
const period = { from: '2019-01-01', to: '2021-12-31' } as const;

let databaseUrl: string;
let drop: () => Promise<void>;
let objectStore: string;
let threads: ReportThreads;

beforeAll(async () => {
  const database = await createTestDatabase({ migrations, replicaUrls: [] });
  databaseUrl = database.primaryUrl;
  drop = () => database.drop();
  await runSql(databaseUrl, [
    `insert into sales_by_hour select 1, timestamp '2020-01-01' + n / 100 * interval '1 hour', n % 100 + 1, 7, 1, 2, n from generate_series(0, ${rows - 1}) as n`,
  ]);
  await runSql(databaseUrl, [
    `insert into sales_by_day select day, n, 1, 2, 300, 1 from generate_series(1, 20) as n, generate_series(date '2019-01-01', date '2021-12-31', '1 day') as day`,
  ]);
  objectStore = await mkdtemp(join(tmpdir(), 'tenfold-reports-'));
  threads = new ReportThreads({ objectStore });
});

afterAll(async () => {
  await threads.onApplicationShutdown();
  await drop();
  await rm(objectStore, { recursive: true });
});

type Kind = 'sales-by-hour' | 'sales-by-month';

interface Run {
  folder?: string;
  checkpoint?: ReportCheckpoint | null;
  save?: (checkpoint: ReportCheckpoint) => Promise<void>;
  by?: ReportThreads;
}

/** Runs a report on from a checkpoint; `save` may throw, as a crash would end it. */
async function write(kind: Kind, { folder = `reports/${randomUUID()}`, checkpoint = null, save = async () => {}, by = threads }: Run = {}) {
  const signal = new AbortController();
  const file = await by.write({ kind, ...period, databaseUrl, folder, run: randomUUID(), checkpoint }, save, signal.signal);
  return { file, text: gunzipSync(await readFile(join(objectStore, file))).toString() };
}

const lineOf = (n: number) => {
  const cents = String(n).padStart(3, '0');
  const hour = new Date(Date.UTC(2020, 0, 1) + Math.floor(n / 100) * 3_600_000).toISOString().slice(0, 13);
  return `${hour}:00Z,${(n % 100) + 1},7,1,2,${cents.slice(0, -2)}.${cents.slice(-2)}`;
};

test('a large report is whole, and its thread lives in a heap of 40 MiB', async () => {
  const seen: ReportCheckpoint[] = [];
  const { text } = await write('sales-by-hour', { save: async (checkpoint) => void seen.push(checkpoint) });
  const [heading, ...lines] = text.trimEnd().split('\n');
  expect(heading).toBe('hour,product,category,orders,units,revenue');
  expect(lines).toHaveLength(rows);
  expect(lines[0]).toBe(lineOf(0));
  expect(lines[234_567]).toBe(lineOf(234_567));
  expect(lines.at(-1)).toBe(lineOf(rows - 1));
  // Progress counts the rows that are in it.
  expect(seen.map(({ done, total }) => `${done} of ${total}`)).toEqual(
    Array.from({ length: rows / 20_000 }, (_, index) => `${(index + 1) * 20_000} of ${rows}`),
  );
});

test('a report whose process died goes on from its last checkpoint, to the same file', async () => {
  const folder = `reports/${randomUUID()}`;
  let last: ReportCheckpoint | null = null;
  const dying = write('sales-by-hour', {
    folder,
    save: async (checkpoint) => {
      if (checkpoint.done > 100_000) throw new Error('killed');
      last = checkpoint;
    },
  });
  await expect(dying).rejects.toThrow('killed');
  expect(last).toMatchObject({ done: 100_000 });
  const first: number[] = [];
  const resumed = await write('sales-by-hour', { folder, checkpoint: last, save: async ({ done }) => void first.push(done) });
  expect(first[0]).toBe(120_000);
  expect(resumed.text).toBe((await write('sales-by-hour')).text);
  // Nothing of the run that died is left.
  expect(await readdir(join(objectStore, folder))).toEqual([resumed.file.split('/').at(-1)]);
});

test('sums go on from a checkpoint in the middle of a month', async () => {
  const small = new ReportThreads({ objectStore, pageRows: 10, partRows: 90 });
  let last: ReportCheckpoint | null = null;
  const save = async (checkpoint: ReportCheckpoint) => {
    if (checkpoint.done > 5000) throw new Error('killed');
    last = checkpoint;
  };
  const folder = `reports/${randomUUID()}`;
  await expect(write('sales-by-month', { folder, save, by: small })).rejects.toThrow('killed');
  const { text } = await write('sales-by-month', { folder, checkpoint: last, by: small });
  await small.onApplicationShutdown();
  const lines = text.trimEnd().split('\n').slice(1);
  expect(lines).toHaveLength(36 * 20);
  expect(lines[0]).toBe('2019-01,1,31,62,93.00');
  expect(lines.filter((line) => line.startsWith('2019-09,'))).toHaveLength(20);
  expect(text).toBe((await write('sales-by-month')).text);
});

test('a report that is cancelled ends its thread at once', async () => {
  const cancelled = new AbortController();
  const begun = Promise.withResolvers<void>();
  const running = threads.write(
    { kind: 'sales-by-hour', ...period, databaseUrl, folder: `reports/${randomUUID()}`, run: randomUUID(), checkpoint: null },
    async () => begun.resolve(),
    cancelled.signal,
  );
  await begun.promise;
  cancelled.abort();
  await expect(running).rejects.toThrow(/abort/i);
});

test('a file that cannot be stored fails the report', async () => {
  const nowhere = new ReportThreads({ objectStore: '/dev/null' });
  await expect(write('sales-by-hour', { by: nowhere })).rejects.toThrow('Cannot write file');
  await nowhere.onApplicationShutdown();
});

test('a report whose generation of the sales was dropped begins anew', async () => {
  const folder = `reports/${randomUUID()}`;
  let last: ReportCheckpoint | null = null;
  const dying = write('sales-by-hour', { folder, save: async (checkpoint) => { last = { ...checkpoint, generation: -1 }; throw new Error('killed'); } });
  await expect(dying).rejects.toThrow('killed');
  const { text } = await write('sales-by-hour', { folder, checkpoint: last });
  expect(text.trimEnd().split('\n')).toHaveLength(rows + 1);
});
