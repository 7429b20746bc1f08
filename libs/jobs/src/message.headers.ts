import { randomBytes } from 'node:crypto';
import { currentContext } from '@tenfold/telemetry';
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
  originalTopic: 'original-topic',
  cause: 'cause',
  stack: 'stack',
  /** Epoch milliseconds of a dead letter's last failure. */
  failedAt: 'failed-at',
} as const;

/** Request and trace of whatever is being answered, so that a log line of the job can be found from the request's. */
export function contextHeaders(): Headers {
  const context = currentContext();
  if (!context) return {};
  return {
    [header.requestId]: context.requestId,
    [header.traceparent]: `00-${context.traceId}-${randomBytes(8).toString('hex')}-01`,
  };
}

export function traceIdOf(headers: Headers): string | undefined {
  return /^00-([0-9a-f]{32})-/.exec(headers[header.traceparent] ?? '')?.[1];
}
