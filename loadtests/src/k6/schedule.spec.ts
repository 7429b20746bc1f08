import { describe, expect, it } from 'vitest';
import { dueSecond, phaseAt, plannedIn, secondsOf } from './schedule.ts';
import type { Phase } from './schedule.ts';

const phases: Phase[] = [
  { name: 'slow', from: 10, to: 10, seconds: 2 },
  { name: 'rise', from: 10, to: 30, seconds: 4 },
  { name: 'fall', from: 30, to: 0, seconds: 2 },
];

describe('a schedule', () => {
  it('plans as many requests as the area under its rate', () => {
    expect(phases.map(plannedIn)).toEqual([20, 80, 30]);
    expect(secondsOf(phases)).toBe(8);
  });

  it('spaces requests evenly while the rate stays', () => {
    expect([1, 5, 20].map((number) => dueSecond(phases, number))).toEqual([0.1, 0.5, 2]);
  });

  it('brings them closer together while the rate rises, and apart while it falls', () => {
    // 20 + 10 t + 2.5 t² = 60 at t = 2.472…
    expect(dueSecond(phases, 60)).toBeCloseTo(2 + 2.472, 3);
    expect(dueSecond(phases, 100)).toBeCloseTo(6, 9);
    // 100 + 30 t - 7.5 t² = 122.5 at t = 1.
    expect(dueSecond(phases, 122.5)).toBeCloseTo(7, 9);
    expect(dueSecond(phases, 130)).toBeCloseTo(8, 4);
  });

  it('is over for requests beyond its end', () => {
    expect(dueSecond(phases, 131)).toBe(8);
  });

  it('names the phase of every moment', () => {
    expect([0, 1.99, 2, 5.9, 6, 100].map((second) => phaseAt(phases, second))).toEqual(['slow', 'slow', 'rise', 'rise', 'fall', 'fall']);
  });
});
