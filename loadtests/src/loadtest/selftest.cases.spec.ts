import { describe, expect, it } from 'vitest';
import { judgeCase } from './selftest.cases.ts';

const verdict = (target: string, met: boolean) => ({ target, reached: 0.05, limit: 0, rule: 'at most', unit: 'share', met });
const run = (...missed: string[]) => ({ verdicts: ['errors', 'cache hit rate', 'reads on replicas'].map((target) => verdict(target, !missed.includes(target))) });

describe('a case of the self-test', () => {
  it('is right when the expected gate alone trips', () => {
    expect(judgeCase({ name: 'some fail', expected: ['errors'] }, run('errors'))).toEqual({
      isAsExpected: true,
      text: 'ok     some fail: errors 5.0 %; 2 of 3 targets met',
    });
  });

  it('names a gate that stays silent, and one that trips besides', () => {
    const { isAsExpected, text } = judgeCase({ name: 'some fail', expected: ['errors'] }, run('cache hit rate'));
    expect(isAsExpected).toBe(false);
    expect(text.split('\n').map((line) => line.trim())).toEqual([
      'WRONG  some fail: cache hit rate 5.0 %; 2 of 3 targets met',
      'DID NOT TRIP: errors',
      'TRIPPED TOO: cache hit rate',
    ]);
  });

  it('of a void run is right only when that is expected', () => {
    const measured = { ...run('errors'), void: 'the generator came late' };
    expect(judgeCase({ name: 'busy', expected: 'void' }, measured).isAsExpected).toBe(true);
    expect(judgeCase({ name: 'calm', expected: [] }, measured)).toMatchObject({ isAsExpected: false, text: expect.stringContaining('IS VOID') });
    expect(judgeCase({ name: 'busy', expected: 'void' }, run('errors'))).toMatchObject({ isAsExpected: false, text: expect.stringContaining('IS NOT VOID') });
  });
});
