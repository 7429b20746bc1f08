import type { TracingOptions } from './span.export.ts';
import { record } from './span.ts';

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
