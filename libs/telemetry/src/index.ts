export { counter, durationBuckets, gauge, histogram, registry, roundTripBuckets } from './metrics.registry.ts';
export type { CounterOptions, GaugeOptions, HistogramOptions } from './metrics.registry.ts';
export { metricsEnabled } from './metrics.switch.ts';
export { startProcessMetrics } from './process.metrics.ts';
export { watchBusyLoop } from './profiles/busy.watch.ts';
export type { BusyWatchOptions } from './profiles/busy.watch.ts';
export { ProfileError, profileKinds } from './profiles/profile.ts';
export type { Profile, ProfileKind } from './profiles/profile.ts';
export { takeProfile } from './profiles/profiler.ts';
export type { ProfileRequest } from './profiles/profiler.ts';
export { measureRedis } from './redis.metrics.ts';
export {
  compareLsn,
  createContext,
  currentContext,
  newTraceId,
  raisePosition,
  runInContext,
} from './request.context.ts';
export type { Positions, RequestContext } from './request.context.ts';
export { currentSpan, inSpan, isTracing, Span, startRootSpan, startSpan, traceparentOf } from './span.ts';
export type { AttributeValue, RootOptions, SpanKind } from './span.ts';
export { BudgetError, inStatementBudget, outsideStatementBudget, spendStatements } from './statement.budget.ts';
export { formatTraceparent, parseTraceparent } from './traceparent.ts';
export type { TraceOrigin } from './traceparent.ts';
export { startTracing } from './tracing.ts';
export type { TracingOptions } from './span.export.ts';
