import { createContext, startRootSpan, traceparentOf } from '@tenfold/telemetry';
import type { RequestContext, Span } from '@tenfold/telemetry';
import type { Headers } from './kafka/kafka.client.ts';
import { header, originOf } from './message.headers.ts';

/** What OpenTelemetry's conventions for messaging ask for. */
export function describeMessage(span: Span, topic: string, messageId: string): Span {
  return describeTopic(span, topic).set('messaging.message.id', messageId);
}

/** The same of many at once. */
export function describeMessages(span: Span, topic: string, count: number): Span {
  return describeTopic(span, topic).set('messaging.batch.message_count', count);
}

function describeTopic(span: Span, topic: string): Span {
  return span.set('messaging.system', 'kafka').set('messaging.destination.name', topic);
}

/** The way of one message from the outbox to Kafka, in the trace of whoever added it; only of those that are sampled. */
export function startRelaySpan(topic: string, headers: Headers, messageId: string): Span | undefined {
  const traceparent = headers[header.traceparent];
  if (!traceparent?.endsWith('-01')) return undefined;
  const span = startRootSpan(`send ${topic}`, 'producer', createContext(originOf(headers)), { traceparent });
  return span && describeMessage(span, topic, messageId);
}

/** The headers as they go on from the span, if there is one. */
export function headersFrom(span: Span | undefined, headers: Headers): Headers {
  const traceparent = span && traceparentOf(span);
  return traceparent ? { ...headers, [header.traceparent]: traceparent } : headers;
}

/**
 * The handling of messages, linked to the spans that sent them. That of a single one is part of the trace of whoever
 * added it; a batch of several has a trace of its own.
 */
export function startHandlerSpan(topic: string, context: RequestContext, messages: readonly { headers: Headers }[]): Span | undefined {
  const links = messages.map(({ headers }) => headers[header.traceparent]);
  const only = messages.length === 1 ? messages[0]?.headers : undefined;
  const span = startRootSpan(`process ${topic}`, 'consumer', context, { traceparent: only?.[header.traceparent], links });
  if (!span || !only) return span?.set('messaging.batch.message_count', messages.length);
  return describeMessage(span, topic, only[header.messageId] ?? '').set('messaging.attempt', Number(only[header.attempt] ?? 1));
}
