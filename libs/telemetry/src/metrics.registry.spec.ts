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

test('process metrics are read with the others', async () => {
  startProcessMetrics();
  startProcessMetrics();
  const text = await registry.metrics();

  expect(text).toMatch(/nodejs_eventloop_lag_p99_seconds \d/);
  expect(text).toMatch(/nodejs_eventloop_active_seconds_total \d/);
  expect(text).toMatch(/process_cpu_seconds_total \d/);
});
