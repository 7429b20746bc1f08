import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics } from 'prom-client';
import { gauge, registry } from './metrics.registry.ts';

let started = false;

/**
 * Adds the process's own metrics: event-loop delay and utilization, heap, garbage collection, CPU, descriptors.
 * Once per process; further calls change nothing. All but the event-loop delay (one timer of 20 ms) and the garbage
 * collector's pauses is read when `/metrics` is.
 */
export function startProcessMetrics(): void {
  if (started) return;
  started = true;
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20, gcDurationBuckets: [0.001, 0.01, 0.1, 1] });
  let previous = performance.eventLoopUtilization();
  gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'Share of the time since the last reading in which the event loop was busy, 0 to 1.',
    collect: (metric) => {
      const now = performance.eventLoopUtilization();
      metric.set(performance.eventLoopUtilization(now, previous).utilization);
      previous = now;
    },
  });
}
