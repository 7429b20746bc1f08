import { randomBytes } from 'node:crypto';
import { currentContext, formatTraceparent, parseTraceparent, traceparentOf } from '@tenfold/telemetry';
import type { Headers } from './kafka/kafka.client.ts';

/** Names of what rides with a message in Kafka. */
export const header = {
  messageId: 'message-id',
  requestId: 'request-id',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  /** `<database>=<LSN>` that reads of the handler must have reached to see what the message tells of. */
  position: 'position',
  /** Number of the attempt that comes next; absent on the first. */
  attempt: 'attempt',
  /** Epoch milliseconds by the clock of whoever handled it before. */
  notBefore: 'not-before',
  /** Version of the payload; absent for 1. */
  version: 'version',
  /** What the message is the only pending one of. */
  unique: 'unique',
  originalTopic: 'original-topic',
  cause: 'cause',
  stack: 'stack',
  /** What became of a dead letter: `replayed`, `discarded`. */
  resolution: 'resolution',
  /** Epoch milliseconds of a dead letter's last failure. */
  failedAt: 'failed-at',
} as const;

/** Request and trace of whatever is being answered, so that a log line of the job can be found from the request's. */
export function contextHeaders(): Headers {
  const context = currentContext();
  if (!context) return {};
  const { requestId, traceId } = context;
  // Untraced, it still carries the trace id for the logs.
  const traceparent = traceparentOf(context) ?? formatTraceparent({ traceId, spanId: randomBytes(8).toString('hex'), sampled: false });
  return { [header.requestId]: requestId, [header.traceparent]: traceparent };
}

/** Request and trace that a message came from, as far as its headers tell. */
export function originOf(headers: Headers): { requestId?: string; traceId?: string } {
  const requestId = headers[header.requestId];
  const traceId = parseTraceparent(headers[header.traceparent])?.traceId;
  return { ...(requestId && { requestId }), ...(traceId && { traceId }) };
}
