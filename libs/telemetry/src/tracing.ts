import { record } from './span.ts';

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

/**
 * Begins to record and export spans. OpenTelemetry is loaded here, and only here.
 *
 * @returns stops, after sending what is left, at most 2 s
 */
export async function startTracing(options: TracingOptions): Promise<() => Promise<void>> {
  const { SpanExport } = await import('./span.export.ts');
  const spans = await SpanExport.to(options);
  record({ sampleRatio: options.sampleRatio, slowMs: options.slowMs, export: (ended) => spans.add(ended) });
  return async () => {
    record(undefined);
    await spans.close();
  };
}
