import { createHistogram } from 'node:perf_hooks';
import { gauge } from './metrics.registry.ts';

/** Ten samples a second tell a p99 over a scrape's 15 s; each wakes the process, so more would be an idle service's largest cost. */
const everyMs = 100;

/** By how much a timer comes late, since the last reading: what anything that has just arrived waits for its turn. */
export function startEventLoopLag(): void {
  const lag = createHistogram();
  let due = performance.now() + everyMs;
  setInterval(() => {
    const now = performance.now();
    lag.record(Math.max(1, Math.round((now - due) * 1000)));
    due = now + everyMs;
  }, everyMs).unref();
  const read = {
    nodejs_eventloop_lag_p50_seconds: () => lag.percentile(50),
    nodejs_eventloop_lag_p99_seconds: () => lag.percentile(99),
    nodejs_eventloop_lag_max_seconds: () => (lag.count === 0 ? 0 : lag.max),
  };
  const names = Object.keys(read) as (keyof typeof read)[];
  for (const name of names) {
    gauge({
      name,
      help: 'By how much a timer came late, since the last reading.',
      collect(metric) {
        metric.set(read[name]() / 1e6);
        if (name === names.at(-1)) lag.reset();
      },
    });
  }
}
