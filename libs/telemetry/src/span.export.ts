import { setTimeout as delay } from 'node:timers/promises';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { counter } from './metrics.registry.ts';
import type { Span } from './span.ts';
import type { TraceOrigin } from './traceparent.ts';

export interface TracingOptions {
  service: string;
  version: string;
  replica: string;
  /** Where spans go. `otlp` and `zipkin` take the rest of their settings, such as headers, from the standard `OTEL_…` variables. */
  exporter: { kind: 'otlp'; protocol: 'http/protobuf' | 'http/json'; endpoint: string } | { kind: 'zipkin'; endpoint: string };
  /** Share of traces that are exported whatever they turn out to be, 0 to 1. */
  sampleRatio: number;
  /** Milliseconds from which a request that is not sampled is exported all the same; so is a failed one. 0: neither is. */
  slowMs: number;
  /** The collector takes no spans: called at the first failure, and again when it failed after it had worked. */
  onFailure(error: Error): void;
}

const closeTimeoutMs = 2000;

/** How long a batch is tried again before it is given up. */
const exportTimeoutMs = 5000;

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

const exported = counter({
  name: 'trace_spans_total',
  help: 'Spans that were to be exported, by what became of them.',
  labelNames: ['outcome'],
});

/** Hands spans to OpenTelemetry's exporters, in batches. While the collector is away it keeps 8192 and drops the rest. */
export class SpanExport {
  readonly #processor: BatchSpanProcessor;
  readonly #resource;

  private constructor(exporter: SpanExporter, { service, version, replica, onFailure }: TracingOptions) {
    this.#resource = resourceFromAttributes({
      'service.name': service,
      'service.version': version,
      'service.instance.id': replica,
    });
    this.#processor = new BatchSpanProcessor({
      exporter: counted(exporter, onFailure),
      scheduledDelayMillis: 1000,
      maxQueueSize: 8192,
    });
  }

  static async to(options: TracingOptions): Promise<SpanExport> {
    return new SpanExport(await exporterFor(options.exporter), options);
  }

  add(spans: readonly Span[]): void {
    // By the wall clock of now: the one that `performance` began with drifts over days.
    const offset = Date.now() - performance.now();
    for (const span of spans) this.#processor.onEnd(this.#readable(span, offset));
  }

  async close(): Promise<void> {
    await Promise.race([this.#processor.shutdown().catch(() => {}), delay(closeTimeoutMs, undefined, { ref: false })]);
  }

  #readable(span: Span, offset: number): ReadableSpan {
    const { startedAt, endedAt = startedAt, error, links, parent, traceId } = span;
    const own = spanContext(span);
    return {
      name: span.name,
      kind: kinds[span.kind],
      spanContext: () => own,
      ...(parent && { parentSpanContext: spanContext({ traceId, spanId: parent.spanId }) }),
      startTime: toHrTime(startedAt + offset),
      endTime: toHrTime(endedAt + offset),
      duration: toHrTime(endedAt - startedAt),
      status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
      attributes: { ...span.attributes, 'request.id': span.requestId },
      links: links.map((link) => ({ context: spanContext(link) })),
      events: [],
      ended: true,
      resource: this.#resource,
      instrumentationScope: { name: 'tenfold' },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

/** What is exported counts as sampled, however it was decided: exporters send nothing else. */
function spanContext({ traceId, spanId }: Pick<TraceOrigin, 'traceId' | 'spanId'>): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** Seconds and nanoseconds, of whole microseconds: Zipkin refuses fractions of them. */
function toHrTime(milliseconds: number): HrTime {
  const microseconds = Math.round(milliseconds * 1000);
  return [Math.floor(microseconds / 1e6), (microseconds % 1e6) * 1000];
}

async function exporterFor(target: TracingOptions['exporter']): Promise<SpanExporter> {
  if (target.kind === 'zipkin') {
    const { ZipkinExporter } = await import('@opentelemetry/exporter-zipkin');
    return new ZipkinExporter({ url: target.endpoint });
  }
  const url = `${target.endpoint.replace(/\/$/, '')}/v1/traces`;
  const { OTLPTraceExporter } =
    target.protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
}

function counted(exporter: SpanExporter, onFailure: (error: Error) => void): SpanExporter {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.error !== undefined || result.code !== 0;
        exported.inc({ outcome: failed ? 'failed' : 'exported' }, spans.length);
        if (failed && !failing) onFailure(result.error ?? new Error('the collector refused the spans'));
        failing = failed;
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
