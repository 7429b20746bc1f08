import { describe, expect, it } from 'vitest';
import { judge } from './goal-verdict.ts';

const sides = {
  plain: { cpu: [30, 33, 36, 30, 33, 36, 30, 33, 36], bytes: [90, 90, 90] },
  ours: { cpu: [10, 11, 12, 10, 11, 12, 10, 11, 12], bytes: [60, 60, 60] },
  noisy: { cpu: [5, 30, 60, 5, 30, 60, 5, 30, 60] },
};

describe('a goal', () => {
  it('is met when the whole interval is on its side', () => {
    expect(judge({ measure: 'cpu', of: 'plain', to: 'ours', atLeast: 2.9 }, sides).verdict).toBe('met');
    expect(judge({ measure: 'cpu', of: 'ours', to: 'plain', atMost: 0.34 }, sides).verdict).toBe('met');
  });

  it('is not met when the whole interval is beyond it', () => {
    expect(judge({ measure: 'cpu', of: 'plain', to: 'ours', atLeast: 3.1 }, sides).verdict).toBe('NOT MET');
    expect(judge({ measure: 'cpu', of: 'plain', to: 'ours', atMost: 2.9 }, sides).verdict).toBe('NOT MET');
  });

  it('is open when the interval holds its limit', () => {
    expect(judge({ measure: 'cpu', of: 'noisy', to: 'ours', atLeast: 2 }, sides).verdict).toBe('open');
  });

  it('may be about a measure itself', () => {
    const { verdict, reached } = judge({ measure: 'bytes', of: 'ours', atMost: 64 }, sides);
    expect(verdict).toBe('met');
    expect(reached).toEqual({ value: 60, low: 60, high: 60 });
  });

  it('that names what was not measured is an error that says what was', () => {
    expect(() => judge({ measure: 'bytes', of: 'noisy', atMost: 1 }, sides)).toThrow('bytes of "noisy"; there are plain (cpu, bytes)');
  });
});
