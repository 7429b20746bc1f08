import { expect, test } from 'vitest';
import { counter, gauge, histogram, registry, startProcessMetrics } from './index.ts';

test('the same name is the same metric', () => {
  const options = { name: 'test_requests_total', help: 'Requests.', labelNames: ['route'] } as const;

  expect(counter(options)).toBe(counter(options));
});

test('a name that is taken by another type or with other labels is an error', () => {
  counter({ name: 'test_taken', help: 'Taken.', labelNames: ['route'] });

  expect(() => gauge({ name: 'test_taken', help: 'Taken.' })).toThrow('test_taken exists already');
  expect(() => counter({ name: 'test_taken', help: 'Taken.', labelNames: ['path'] })).toThrow('test_taken exists already');
});

test('a gauge asks everyone who collects for it', async () => {
  for (const pool of ['a', 'b']) {
    gauge({ name: 'test_pool_size', help: 'Pool.', labelNames: ['pool'], collect: (metric) => metric.set({ pool }, 3) });
  }
  const text = await registry.getSingleMetricAsString('test_pool_size');

  expect(text).toContain('test_pool_size{pool="a"} 3');
  expect(text).toContain('test_pool_size{pool="b"} 3');
});

test('a histogram counts into the default buckets', async () => {
  histogram({ name: 'test_seconds', help: 'Seconds.' }).observe(0.12);

  expect(await registry.getSingleMetricAsString('test_seconds')).toContain('test_seconds_bucket{le="0.15"} 1');
});

test('a histogram counts alike by a recorder and without one', async () => {
  const recorded = histogram({ name: 'test_recorded_seconds', help: 'Seconds.', labelNames: ['a', 'b'], buckets: [0.1, 1] });
  const recorder = recorded.labels({ a: 'x', b: 'y' });
  for (const seconds of [0.1, 0.11, 1, 5]) recorder.observe(seconds);
  recorded.observe({ a: 'x', b: 'y' }, 0.05);
  recorded.labels({ b: 'y', a: 'x' }).observe(0.05);
  recorded.labels({ a: 'x', b: 'z' }).observe(7);
  const lines = async () => (await registry.getSingleMetricAsString('test_recorded_seconds')).split('\n').slice(2);

  expect(await lines()).toEqual([
    'test_recorded_seconds_bucket{le="0.1",a="x",b="y"} 3',
    'test_recorded_seconds_bucket{le="1",a="x",b="y"} 5',
    'test_recorded_seconds_bucket{le="+Inf",a="x",b="y"} 6',
    `test_recorded_seconds_sum{a="x",b="y"} ${0.1 + 0.11 + 1 + 5 + 0.05 + 0.05}`,
    'test_recorded_seconds_count{a="x",b="y"} 6',
    'test_recorded_seconds_bucket{le="0.1",a="x",b="z"} 0',
    'test_recorded_seconds_bucket{le="1",a="x",b="z"} 0',
    'test_recorded_seconds_bucket{le="+Inf",a="x",b="z"} 1',
    'test_recorded_seconds_sum{a="x",b="z"} 7',
    'test_recorded_seconds_count{a="x",b="z"} 1',
  ]);
  expect(await lines()).toEqual(await lines());
  expect(() => recorded.labels({ c: 'x' } as never)).toThrow('c');
});

test('a counter counts alike by a recorder and without one', async () => {
  const counted = counter({ name: 'test_counted_total', help: 'Counted.', labelNames: ['a', 'b'] });
  const recorder = counted.labels({ a: 'x', b: 'y' });
  counted.labels({ a: 'never', b: 'asked' });
  counted.labels({ a: 'x', b: 'zero' }).inc(0);
  recorder.inc();
  recorder.inc(2);
  counted.inc({ a: 'x', b: 'y' }, 4);
  counted.labels({ b: 'y', a: 'x' }).inc();
  const lines = async () => (await registry.getSingleMetricAsString('test_counted_total')).split('\n').slice(2);

  expect(await lines()).toEqual(['test_counted_total{a="x",b="y"} 8', 'test_counted_total{a="x",b="zero"} 0']);
  expect(await lines()).toEqual(await lines());
  expect(() => counted.labels({ c: 'x' } as never)).toThrow('no label c');
  expect(() => recorder.inc(-1)).toThrow(RangeError);
});

test('process metrics are read with the others', async () => {
  startProcessMetrics();
  startProcessMetrics();
  const text = await registry.metrics();

  expect(text).toMatch(/nodejs_eventloop_lag_p99_seconds \d/);
  expect(text).toMatch(/nodejs_eventloop_active_seconds_total (?!0$)\d/m);
  expect(text).toMatch(/process_cpu_seconds_total \d/);
});
