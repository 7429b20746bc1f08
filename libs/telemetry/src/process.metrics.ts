import { constants, performance, PerformanceObserver } from 'node:perf_hooks';
import type { NodeGCPerformanceDetail, PerformanceEntry } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { startEventLoopLag } from './event-loop-lag.metrics.ts';
import { counter, gauge, registry } from './metrics.registry.ts';
import { metricsEnabled } from './metrics.switch.ts';

/** Milliseconds: the longest that a timer of Node's takes. */
const never = 2 ** 31 - 1;

let started = false;

/**
 * Adds the process's own metrics: event-loop delay and utilization, heap, garbage collection, CPU, descriptors.
 * Once per process; further calls change nothing. All but the event-loop delay (one timer of 100 ms) and the garbage
 * collector's pauses is read when `/metrics` is.
 */
export function startProcessMetrics(): void {
  if (started || !metricsEnabled) return;
  started = true;
  collectDefaults();
  startEventLoopLag();
  let known = 0;
  counter({
    name: 'nodejs_eventloop_active_seconds_total',
    help: 'Time in which the event loop was busy; its rate is the utilization, 0 to 1.',
    collect() {
      // A counter and not the share itself, so that two who read `/metrics` do not take it from each other.
      const active = performance.eventLoopUtilization().active / 1000;
      this.inc(active - known);
      known = active;
    },
  });
  measureHeapAfterCollections();
}

/** All of prom-client's but the event loop's lag, whose timer counts its own period as lag and wakes an idle process. */
function collectDefaults(): void {
  const defaults = new Registry();
  collectDefaultMetrics({ register: defaults, eventLoopMonitoringPrecision: never, gcDurationBuckets: [0.001, 0.01, 0.1, 1] });
  for (const { name } of defaults.getMetricsAsArray()) {
    const metric = defaults.getSingleMetric(name);
    if (metric && !name.startsWith('nodejs_eventloop_lag')) registry.registerMetric(metric);
  }
}

/** What is left by a full collection is what is held on to: its slope tells a leak, which the heap in use does not. */
function measureHeapAfterCollections(): void {
  let bytes = getHeapStatistics().used_heap_size;
  new PerformanceObserver((list) => {
    const isFull = ({ detail }: PerformanceEntry & { detail?: unknown }) => (detail as NodeGCPerformanceDetail).kind === constants.NODE_PERFORMANCE_GC_MAJOR;
    if (list.getEntries().some(isFull)) bytes = getHeapStatistics().used_heap_size;
  }).observe({ entryTypes: ['gc'] });
  gauge({
    name: 'nodejs_heap_used_after_gc_bytes',
    help: 'Heap in use right after the last full collection; until the first one, at the start.',
    collect: (metric) => metric.set(bytes),
  });
}
