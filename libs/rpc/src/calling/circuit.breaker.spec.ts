import { expect, test } from 'vitest';
import { CircuitBreaker } from './circuit.breaker.ts';

/** A breaker on a clock of its own. */
function start() {
  let now = 0;
  const breaker = new CircuitBreaker(() => now);
  const happen = (outcomes: Partial<Record<'succeeded' | 'failed', number>>) => {
    for (let count = 0; count < (outcomes.succeeded ?? 0); count += 1) breaker.succeeded();
    for (let count = 0; count < (outcomes.failed ?? 0); count += 1) breaker.failed();
  };
  /** How many of a thousand calls, one a millisecond, may go out. */
  const allowedInASecond = () => {
    let allowed = 0;
    for (let call = 0; call < 1000; call += 1, now += 1) if (breaker.allow()) allowed += 1;
    return allowed;
  };
  return { breaker, happen, allowedInASecond, pass: (milliseconds: number) => (now += milliseconds) };
}

test('a few failures open nothing, however many of the calls they are', () => {
  const { breaker, happen } = start();
  happen({ failed: 19 });

  expect(breaker.open).toBe(false);
});

test('half of the last calls failed: it opens, and a call is refused at once', () => {
  const { breaker, happen } = start();
  happen({ succeeded: 10, failed: 9 });
  expect(breaker.open).toBe(false);
  happen({ failed: 1 });

  expect(breaker.open).toBe(true);
  expect(breaker.allow()).toBe(false);
});

test('what failed more than ten seconds ago counts no more', () => {
  const { breaker, happen, pass } = start();
  happen({ succeeded: 20, failed: 19 });
  pass(10_001);
  happen({ succeeded: 15, failed: 10 });

  expect(breaker.open).toBe(false);
});

test('while it is open nothing goes out for a second, then ten probes a second', () => {
  const { happen, allowedInASecond } = start();
  happen({ failed: 20 });

  expect(allowedInASecond()).toBe(0);
  expect(allowedInASecond()).toBe(10);
});

test('a probe that fails opens it for another second', () => {
  const { breaker, happen, allowedInASecond, pass } = start();
  happen({ failed: 20 });
  pass(1000);
  expect(breaker.allow()).toBe(true);
  happen({ failed: 1 });

  expect(allowedInASecond()).toBe(0);
  expect(breaker.allow()).toBe(true);
});

test('three probes that succeed close it, and what was before is forgotten', () => {
  const { breaker, happen, pass } = start();
  happen({ failed: 20 });
  for (let probe = 0; probe < 3; probe += 1) {
    pass(1000);
    expect(breaker.open).toBe(true);
    expect(breaker.allow()).toBe(true);
    happen({ succeeded: 1 });
  }
  expect(breaker.open).toBe(false);
  happen({ failed: 19 });

  expect(breaker.open).toBe(false);
});

test('a replica that comes up is a reason to probe at once', () => {
  const { breaker, happen } = start();
  happen({ failed: 20 });
  expect(breaker.allow()).toBe(false);
  breaker.hint();

  expect(breaker.allow()).toBe(true);
});
