import { describe, expect, it } from 'vitest';
import type { Side } from './bench.ts';
import { DifferentResult, measureSides } from './measure.ts';
import { median } from './statistics.ts';

const quick = { reference: 'a', rounds: 6, roundMs: 4, warmUpMs: 8 };

/** Uses CPU for so many microseconds a unit, and writes down who ran. */
function spinning(microseconds: number, ran: string[] = [], name = ''): Side {
  return {
    run(units) {
      ran.push(name);
      const until = performance.now() + (units * microseconds) / 1000;
      while (performance.now() < until);
      return { result: units };
    },
  };
}

describe('a measurement', () => {
  it('gives the time of one unit, per round', async () => {
    const { sides } = await measureSides(quick, { a: spinning(50), b: spinning(100) });
    expect(sides['a']?.['wall']).toHaveLength(6);
    expect(median(sides['b']?.['wall'] ?? []) / median(sides['a']?.['wall'] ?? [])).toBeGreaterThan(1.5);
  });

  it('counts what a side waits as wall time and not as CPU time', async () => {
    const waiting: Side = {
      async run(units) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { result: units };
      },
    };
    const { sides } = await measureSides({ ...quick, roundMs: 1 }, { a: waiting });
    expect(median(sides['a']?.['cpu'] ?? [])).toBeLessThan(median(sides['a']?.['wall'] ?? []) / 2);
  });

  it('adds up the clocks that a side names, and no other', async () => {
    let clock = 0;
    const stepping = (microseconds: number) => ({ cpuMicroseconds: () => (clock += microseconds) });
    const { sides, unitsPerRound } = await measureSides(quick, { a: { ...spinning(50), cpu: [stepping(100), stepping(1)] } });
    // Two clocks over one sum: 100 and 101 more before, 201 and 202 more after.
    for (const cpu of sides['a']?.['cpu'] ?? []) expect(cpu * unitsPerRound).toBeCloseTo(202);
  });

  it('runs the sides in turn, each once a round', async () => {
    const ran: string[] = [];
    await measureSides(quick, { a: spinning(50, ran, 'a'), b: spinning(50, ran, 'b') });
    const rounds = ran.slice(-12);
    const pairs = Array.from({ length: 6 }, (_, round) => rounds.slice(round * 2, round * 2 + 2).toSorted().join(''));
    expect(pairs).toEqual(Array.from({ length: 6 }, () => 'ab'));
    expect(new Set(rounds.filter((_, index) => index % 2 === 0)).size).toBe(2);
  });

  it('keeps the further figures of each round', async () => {
    const { run } = spinning(50);
    const side: Side = { run: async (units) => ({ ...(await run(units)), measures: { bytes: 81 } }) };
    const { sides } = await measureSides(quick, { a: side });
    expect(sides['a']?.['bytes']).toEqual([81, 81, 81, 81, 81, 81]);
  });

  it('refuses a side that gives another result than the reference', async () => {
    const honest = spinning(50);
    const lazy: Side = { run: (units) => honest.run(units - 1) };
    await expect(measureSides(quick, { a: honest, b: lazy })).rejects.toThrow(DifferentResult);
  });

  it('refuses a side that does nothing with the number of units', async () => {
    const idle: Side = { run: () => ({ result: undefined }) };
    await expect(measureSides({ ...quick, warmUpMs: 60_000 }, { a: idle })).rejects.toThrow('does its run() do as many');
  });

  it('refuses a reference that is no side', async () => {
    await expect(measureSides(quick, { b: spinning(50) })).rejects.toThrow('no side "a"');
  });
});
