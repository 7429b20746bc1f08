import type { HeapProfiler, Profiler } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProfileKind } from './profile.ts';
import { takeProfile } from './profiler.ts';

let end = new AbortController();
let work: Promise<void> | undefined;

/** Runs `step` again and again until the test ends. */
function keepDoing(step: () => unknown): void {
  end = new AbortController();
  const { signal } = end;
  work = (async () => {
    while (!signal.aborted) {
      await step();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
}

afterEach(async () => {
  end.abort();
  await work;
});

const seconds = 0.6;

/** Function name → time until the next sample, in milliseconds; of everything that it called as well. */
function inclusiveTimes({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const sums = new Map<string, number>();
  for (const [index, sample] of samples.entries()) {
    const above = new Set<string>();
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id)) above.add(names.get(id) ?? '');
    for (const name of above) sums.set(name, (sums.get(name) ?? 0) + (timeDeltas[index + 1] ?? 0) / 1000);
  }
  return sums;
}

function allocatedBy({ head }: HeapProfiler.SamplingHeapProfile, name: string): number {
  const sumBelow = (node: HeapProfiler.SamplingHeapProfileNode): number => node.selfSize + node.children.reduce((sum, child) => sum + sumBelow(child), 0);
  const find = (node: HeapProfiler.SamplingHeapProfileNode): number => (node.callFrame.functionName === name ? sumBelow(node) : node.children.reduce((sum, child) => sum + find(child), 0));
  return find(head);
}

const take = async <Wanted>(kind: ProfileKind) => (await takeProfile({ kind, seconds })).profile as Wanted;

describe('a CPU profile', () => {
  it('shows which function is busy, and how busy the process was', async () => {
    keepDoing(function spin() {
      const until = performance.now() + 20;
      while (performance.now() < until);
    });
    const { profile, load, seconds: taken } = await takeProfile({ kind: 'cpu', seconds });
    expect(inclusiveTimes(profile as Profiler.Profile).get('spin')).toBeGreaterThan(taken * 1000 * 0.3);
    expect(load.eventLoopUtilization).toBeGreaterThan(0.5);
    expect(load.mainThreadCpuSeconds).toBeLessThanOrEqual(load.cpuSeconds);
    expect(load.mainThreadCpuSeconds).toBeGreaterThan(0);
  });
});

describe('a heap profile', () => {
  it('shows what asks for memory, though it was collected meanwhile', async () => {
    keepDoing(function churn() {
      return Array.from({ length: 10_000 }, (_, index) => ({ index }));
    });
    expect(allocatedBy(await take('allocations'), 'churn')).toBeGreaterThan(1_000_000);
  });

  it('of what is held leaves out what was collected', async () => {
    const kept: unknown[] = [];
    keepDoing(() => {
      (function churn() {
        return Array.from({ length: 10_000 }, (_, index) => ({ index }));
      })();
      (function hoard() {
        kept.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
      })();
    });
    const held = await take<HeapProfiler.SamplingHeapProfile>('heap');
    expect(allocatedBy(held, 'hoard')).toBeGreaterThan(500_000);
    expect(allocatedBy(held, 'churn')).toBeLessThan(allocatedBy(held, 'hoard') / 2);
  });
});

describe('a profile of waiting', () => {
  it('shows who waited for what, and who longer', async () => {
    const answerAfter = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    async function readStock() {
      await answerAfter(5);
    }
    async function readPrice() {
      await answerAfter(100);
    }
    keepDoing(async function handle() {
      await readStock();
      await readPrice();
    });
    const times = inclusiveTimes(await take<Profiler.Profile>('io'));
    const ratio = (times.get('readPrice') ?? 0) / (times.get('readStock') ?? 0);
    expect(ratio).toBeGreaterThan(2);
    // What handle() waits for is counted once, not once more for each async function between.
    expect(times.get('handle') ?? 0).toBeLessThan(((times.get('readStock') ?? 0) + (times.get('readPrice') ?? 0)) * 1.1);
  });

  it('knows promises whose functions stand outside of them, too', async () => {
    keepDoing(async function askFar() {
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(resolve, 20);
      await promise;
    });
    expect(inclusiveTimes(await take<Profiler.Profile>('io')).get('askFar')).toBeGreaterThan(100);
  });
});

describe('a process', () => {
  it('takes one profile at a time', async () => {
    const first = takeProfile({ kind: 'cpu', seconds });
    await expect(takeProfile({ kind: 'io', seconds })).rejects.toMatchObject({ code: 'in-progress' });
    await first;
    await takeProfile({ kind: 'io', seconds: 0.1 });
  });

  it('ends one at once when it is told to, and can take the next', async () => {
    const stop = new AbortController();
    const began = performance.now();
    const taken = takeProfile({ kind: 'io', seconds: 60, signal: stop.signal });
    await delay(50);
    stop.abort();
    await expect(taken).rejects.toMatchObject({ code: 'aborted' });
    expect(performance.now() - began).toBeLessThan(10_000);
    await takeProfile({ kind: 'cpu', seconds: 0.1 });
  });
});
