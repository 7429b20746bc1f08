import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryLevel } from './memory.level.ts';
import type { Kept } from './memory.level.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const endingIn = (milliseconds: number): Kept<string> => {
  const until = performance.now() + milliseconds;
  return { value: 'value', freshUntil: until, staleUntil: until, sharedUntil: until, loadMs: 1 };
};

test('what has ended is let go once in a lifetime of entries, and what has not stays', () => {
  const memory = new MemoryLevel<string>({ entries: 1000, ttlMs: 1000 });
  for (let count = 0; count < 100; count += 1) memory.set(`once ${count}`, endingIn(1000), 5);
  memory.set('stale for long', { ...endingIn(1000), staleUntil: performance.now() + 60_000 }, 5);
  vi.advanceTimersByTime(999);
  memory.set('later', endingIn(1000), 5);
  expect(memory.size).toBe(102);
  vi.advanceTimersByTime(2);
  memory.set('last', endingIn(1000), 5);
  expect(memory.size).toBe(3);
  expect(memory.get('stale for long')).toBeDefined();
});
