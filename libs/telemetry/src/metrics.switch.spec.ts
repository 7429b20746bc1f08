import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = `
  const { counter, gauge, histogram, registry, startProcessMetrics } = await import(process.argv[1]);
  startProcessMetrics();
  counter({ name: 'test_total', help: '.', labelNames: ['kind'] }).labels({ kind: 'a' }).inc();
  histogram({ name: 'test_seconds', help: '.' }).startTimer()();
  gauge({ name: 'test_now', help: '.', labelNames: ['kind'], collect: (metric) => metric.set({ kind: 'a' }, 1) });
  process.stdout.write(await registry.metrics());
`;

async function metricsOf(environment: Record<string, string>): Promise<string> {
  const entry = fileURLToPath(new URL('index.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, entry], { env: environment });
  return stdout;
}

test('with METRICS=off nothing is counted', async () => {
  const [on, off] = await Promise.all([metricsOf({}), metricsOf({ METRICS: 'off' })]);

  expect(on).toContain('test_total{kind="a"} 1');
  expect(on).toContain('test_seconds_count 1');
  expect(on).toContain('test_now{kind="a"} 1');
  expect(on).toContain('nodejs_heap_used_after_gc_bytes');
  expect(off).not.toMatch(/kind="a"|test_seconds_count 1|nodejs_/);
});
