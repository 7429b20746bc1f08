import { describe, expect, test } from 'vitest';
import { leaveOutSlow, ReplicaRecord } from './replica.record.ts';

/** A record on a clock of its own. */
function start() {
  let now = 0;
  const record = new ReplicaRecord(() => now);
  const happen = (times: number, what: () => void) => {
    for (let time = 0; time < times; time += 1) what();
  };
  return {
    record,
    succeed: (times: number, milliseconds = 5) => happen(times, () => record.succeeded(milliseconds)),
    fail: (times: number) => happen(times, () => record.failed()),
    pass: (milliseconds: number) => (now += milliseconds),
  };
}

describe('a replica that fails', () => {
  test('five times in a row is left out', () => {
    const { record, fail } = start();
    fail(4);
    expect(record.state).toBe('good');
    fail(1);

    expect(record.state).toBe('left-out');
  });

  test('now and then stays', () => {
    const { record, fail, succeed } = start();
    for (let round = 0; round < 100; round += 1) {
      fail(4);
      succeed(1);
    }

    expect(record.state).toBe('good');
  });

  test('is probed after a second, and good again after three answers', () => {
    const { record, fail, succeed, pass } = start();
    fail(5);
    pass(999);
    expect(record.state).toBe('left-out');
    pass(1);
    expect(record.state).toBe('probing');
    succeed(2);
    expect(record.state).toBe('probing');
    succeed(1);

    expect(record.state).toBe('good');
  });

  test('also when it is probed is left out for twice as long, and for half a minute at most', () => {
    const { record, fail, pass } = start();
    fail(5);
    const leftOutFor: number[] = [];
    for (let time = 0; time < 8; time += 1) {
      let waited = 0;
      while (record.state === 'left-out') {
        pass(500);
        waited += 500;
      }
      leftOutFor.push(waited);
      fail(1);
    }

    expect(leftOutFor).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });
});

describe('of several replicas', () => {
  const three = (means: readonly number[]) =>
    means.map((mean) => {
      const { record, succeed } = start();
      succeed(10, mean);
      return record;
    });
  const statesOf = (records: readonly ReplicaRecord[]) => records.map(({ state }) => state);

  test('the one that takes much longer than the others is left out', () => {
    const records = three([10, 12, 300]);
    leaveOutSlow(records);

    expect(statesOf(records)).toEqual(['good', 'good', 'left-out']);
  });

  test('none is when all are slow, or the difference is one of milliseconds', () => {
    for (const means of [[400, 500, 600], [1, 1, 50]]) {
      const records = three(means);
      leaveOutSlow(records);
      expect(statesOf(records)).toEqual(['good', 'good', 'good']);
    }
  });

  test('one with few calls says nothing', () => {
    const [first, second] = three([10, 10]) as [ReplicaRecord, ReplicaRecord];
    const { record, succeed } = start();
    succeed(9, 3000);
    leaveOutSlow([first, second, record]);

    expect(record.state).toBe('good');
  });
});
