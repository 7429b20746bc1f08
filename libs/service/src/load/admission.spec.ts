import { describe, expect, it, vi } from 'vitest';
import { Admission } from './admission.ts';
import { ConcurrencyLimit } from './concurrency.limit.ts';

/** A limit on a clock of its own. */
function startLimit(initial = 32) {
  let now = 0;
  const limit = new ConcurrencyLimit({ initial, now: () => now });
  /** A second of work in which so many at once took so long. */
  const work = (kinds: Record<string, number>, inFlight: number, seconds = 1) => {
    for (let tick = 0; tick < seconds * 10; tick += 1) {
      for (let sample = 0; sample < 20; sample += 1) {
        for (const [kind, milliseconds] of Object.entries(kinds)) limit.sample(kind, milliseconds, inFlight);
      }
      now += 100;
    }
  };
  return { limit, work };
}

describe('the limit', () => {
  it('grows while work takes as long as ever', () => {
    const { limit, work } = startLimit();
    work({ list: 10 }, 5);
    for (let second = 0; second < 10; second += 1) work({ list: 12 }, limit.limit);
    expect(limit.limit).toBeGreaterThan(100);
  });

  it('stays where it is while nothing comes near it', () => {
    const { limit, work } = startLimit();
    work({ list: 10 }, 4, 60);
    expect(limit.limit).toBe(32);
  });

  it('comes down to where work is twice as slow as unloaded, and stays there for as long as the load lasts', () => {
    const { limit, work } = startLimit(400);
    const slowness = () => Math.max(1, limit.limit / 20);
    work({ list: 10, get: 2 }, 5, 5);
    for (let second = 0; second < 5; second += 1) work({ list: 10 * slowness(), get: 2 * slowness() }, limit.limit);
    const limits: number[] = [];
    for (let second = 0; second < 60; second += 1) {
      work({ list: 10 * slowness(), get: 2 * slowness() }, limit.limit);
      limits.push(limit.limit);
    }
    expect(Math.min(...limits)).toBeGreaterThan(20);
    expect(Math.max(...limits)).toBeLessThan(100);
  });

  it('does not shrink for one kind of work that has become slow', () => {
    const { limit, work } = startLimit(100);
    work({ list: 10, get: 2 }, 5, 5);
    work({ list: 3000, get: 2 }, 90, 10);
    expect(limit.limit).toBeGreaterThanOrEqual(100);
  });

  it('learns within minutes that work takes longer for good', () => {
    const { limit, work } = startLimit(100);
    work({ list: 10 }, 5, 5);
    work({ list: 60 }, 6, 30);
    for (let second = 0; second < 20; second += 1) work({ list: 70 }, limit.limit);
    expect(limit.limit).toBeGreaterThan(100);
  });
});

describe('admission', () => {
  /** With a limit that stays, on a clock of its own. */
  function start(limit: number) {
    let now = 0;
    const admission = new Admission({ kind: 'test', initial: limit, min: limit, max: limit, now: () => now });
    const entries: string[] = [];
    const admit = (name: string, priority: 'low' | 'normal' | 'high' = 'normal') =>
      admission.admit(priority, () => entries.push(name), () => entries.push(`not ${name}`));
    /** Full, and with something waiting for longer than a burst lasts. */
    const overload = () => {
      for (let index = 0; index < 10 * limit; index += 1) admit('before', 'high');
      now += 201;
      entries.length = 0;
    };
    const count = (name: string) => entries.filter((entry) => entry === name).length;
    /** So much work is done, and the event loop comes round as often as it takes to start what waits. */
    const finish = async (times: number) => {
      for (let index = 0; index < times; index += 1) {
        admission.done('work', 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { admission, entries, admit, overload, count, finish, pass: (milliseconds: number) => (now += milliseconds) };
  }

  it('gives low priorities less room than high ones', () => {
    const { admit, count } = start(10);
    for (const priority of ['low', 'normal', 'high'] as const) {
      for (let index = 0; index < 10; index += 1) admit(priority, priority);
    }

    expect([count('low'), count('normal'), count('high')]).toEqual([7, 2, 1]);
  });

  it('lets a burst wait for its turn, the oldest first', async () => {
    const { admit, entries, finish } = start(10);
    for (let index = 0; index < 1000; index += 1) admit(String(index));
    await finish(1000);

    expect(entries).toEqual(Array.from({ length: 1000 }, (_, index) => String(index)));
  });

  it('starts the newest first when there is too much to do', async () => {
    const { admit, entries, overload, finish } = start(40);
    overload();
    admit('older', 'high');
    admit('newer', 'high');
    await finish(2);

    expect(entries.slice(-2)).toEqual(['newer', 'older']);
  });

  it('refuses low priorities at once when there is too much to do', () => {
    const { admit, entries, overload } = start(10);
    overload();
    admit('low', 'low');

    expect(entries).toEqual(['not low']);
  });

  it('keeps the queue short by refusing the oldest when there is too much to do', () => {
    const { admit, count, overload } = start(40);
    overload();
    for (let index = 0; index < 100; index += 1) admit('normal', 'normal');

    expect(count('not normal')).toBe(90);
  });

  it('starts no more in one turn of the event loop than a few milliseconds of computing', async () => {
    const { admission, entries, pass } = start(10);
    for (let index = 0; index < 5; index += 1) {
      admission.admit('normal', () => entries.push(`computed until ${pass(4)}`), () => entries.push('refused'));
    }
    expect(entries).toHaveLength(2);
    await new Promise((resolve) => setImmediate(resolve));

    expect(entries).toHaveLength(4);
  });

  it('starts no more in one turn than that though handlers compute only in their first microtasks', async () => {
    const { admission, entries, pass } = start(1000);
    const compute = async () => {
      await Promise.resolve();
      await Promise.resolve();
      pass(2);
      entries.push('computed');
    };
    for (let index = 0; index < 60; index += 1) admission.admit('high', () => void compute(), () => entries.push('refused'));
    const turns: number[] = [];
    while (entries.length < 60) {
      await new Promise((resolve) => setImmediate(resolve));
      turns.push(entries.length);
    }
    const perTurn = turns.map((count, turn) => count - (turns[turn - 1] ?? 0));

    expect(new Set(entries)).toEqual(new Set(['computed']));
    // Until it has learned how long they compute.
    expect(Math.max(...perTurn.slice(6))).toBeLessThanOrEqual(3);
  });

  it('refuses what has waited too long', async () => {
    const { admission, admit, entries, pass } = start(10);
    for (let index = 0; index < 9; index += 1) admit('first');
    admit('late');
    pass(201);

    await expect.poll(() => entries.at(-1)).toBe('not late');
    expect(admission.waiting).toBe(0);
  });

  it('takes a burst again after it had too much to do', async () => {
    const { admit, count, overload, finish, pass } = start(10);
    overload();
    await finish(100);
    pass(1000);
    for (let index = 0; index < 100; index += 1) admit('burst');

    expect(count('not burst')).toBe(0);
  });
});

it('admits everything at once with ADMISSION=off', async () => {
  vi.stubEnv('ADMISSION', 'off');
  vi.resetModules();
  try {
    const { Admission: Unlimited } = await import('./admission.ts');
    const admission = new Unlimited({ kind: 'unlimited', initial: 1, min: 1, max: 1 });
    const begun: number[] = [];
    for (let n = 0; n < 100; n += 1) admission.admit('low', () => begun.push(n), () => {});
    expect(begun).toHaveLength(100);
  } finally {
    vi.unstubAllEnvs();
    vi.resetModules();
  }
});
