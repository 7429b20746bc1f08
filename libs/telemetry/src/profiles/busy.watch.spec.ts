import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchBusyLoop } from './busy.watch.ts';
import type { BusyWatchOptions } from './busy.watch.ts';

let directory: string;
let stop = () => {};
let end = new AbortController();
let work: Promise<void> | undefined;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'tenfold-profiles-')), 'made-by-it');
});

afterEach(async () => {
  stop();
  end.abort();
  await work;
  rmSync(directory, { recursive: true, force: true });
});

function keepBusy(): void {
  end = new AbortController();
  const { signal } = end;
  work = (async () => {
    while (!signal.aborted) {
      const until = performance.now() + 20;
      while (performance.now() < until);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
}

function watch(options: Partial<BusyWatchOptions> = {}): void {
  stop = watchBusyLoop({ directory, replica: 'catalog-1', limit: 0.6, afterMs: 150, seconds: 0.2, ...options });
}

const files = () => (statSync(directory, { throwIfNoEntry: false }) ? readdirSync(directory).sort() : []);

it('a loop that stays busy leaves one profile behind, and no further one within the hour', async () => {
  const onTaken = vi.fn<NonNullable<BusyWatchOptions['onTaken']>>();
  watch({ onTaken });
  keepBusy();
  await vi.waitFor(() => expect(onTaken).toHaveBeenCalledOnce(), 10_000);
  const [[file = ''] = []] = onTaken.mock.calls;
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('samples');
  await delay(600);
  expect(files()).toHaveLength(1);
});

it('a loop that is idle leaves none', async () => {
  watch();
  await delay(600);
  expect(files()).toEqual([]);
});

it('a replica that was restarted remembers when it took the last one', async () => {
  watch();
  keepBusy();
  await vi.waitFor(() => expect(files()).toHaveLength(1), 10_000);
  stop();
  watch();
  await delay(600);
  expect(files()).toHaveLength(1);
});

it('keeps the newest five of its own files', async () => {
  const old = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04', '2026-01-05'].map((day) => `catalog-1-${day}.cpuprofile`);
  directory = mkdtempSync(join(tmpdir(), 'tenfold-profiles-'));
  for (const name of [...old, 'catalog-2-2026-01-01.cpuprofile']) {
    writeFileSync(join(directory, name), '{}');
    utimesSync(join(directory, name), 0, 0);
  }
  watch();
  keepBusy();
  await vi.waitFor(() => expect(files()).not.toContain(old[0]), 10_000);
  expect(files().filter((name) => name.startsWith('catalog-1-'))).toHaveLength(5);
  expect(files()).toContain('catalog-2-2026-01-01.cpuprofile');
});

it('a directory that cannot be written is told, and nothing else breaks', async () => {
  const onError = vi.fn<(error: unknown) => void>();
  watch({ directory: join(directory, 'missing'), onError });
  keepBusy();
  await vi.waitFor(() => expect(onError).toHaveBeenCalled(), 10_000);
});
