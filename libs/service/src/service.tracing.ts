import { Logger } from '@nestjs/common';
import { startTracing } from '@tenfold/telemetry';
import type { ConfigOf } from './config.loader.ts';
import type { serviceSettings } from './service.settings.ts';

/** Records and exports spans if the settings name where to. @returns stops, after sending what is left */
export async function startServiceTracing(service: string, config: ConfigOf<typeof serviceSettings>): Promise<() => Promise<void>> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: otlp, OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin } = config;
  if (!otlp && !zipkin) return () => Promise.resolve();
  const logger = new Logger('Traces');
  return startTracing({
    service,
    version: config.VERSION,
    replica: config.REPLICA,
    exporter: otlp
      ? { kind: 'otlp', protocol: config.OTEL_EXPORTER_OTLP_PROTOCOL, endpoint: otlp }
      : { kind: 'zipkin', endpoint: String(zipkin) },
    sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
    slowMs: config.TRACE_SLOW_MS,
    onFailure: (error) => logger.warn({ msg: 'spans cannot be sent and are dropped', reason: error.message }),
  });
}
