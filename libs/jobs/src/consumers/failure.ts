import { Logger } from '@nestjs/common';
import { deadLetterTopicOf, retryTopicOf } from '@tenfold/contracts';
import type { Message } from '@tenfold/contracts';
import { DatabaseError } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import { handled } from '../jobs.metrics.ts';
import type { OutgoingRecord, RecordSender } from '../kafka/kafka.client.ts';
import { header } from '../message.headers.ts';
import { endPending, isUnique } from './inbox.ts';
import { UnreadableMessage } from './message.reader.ts';
import type { ReceivedMessage } from './message.reader.ts';

export interface FailedMessage {
  received: ReceivedMessage;
  /** Number of the attempt that failed. */
  attempt: number;
  error: unknown;
}

const stackLimit = 4000;
const causeLimit = 1000;
const logger = new Logger('Jobs');

/** An outage of the service's own database is no fault of the message: it uses up no attempt. */
export function isOutage(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== 'bad-cursor';
}

/** Milliseconds until the next attempt; undefined when none would help. */
export function delayOf(message: Message, { attempt, error }: Pick<FailedMessage, 'attempt' | 'error'>): number | undefined {
  return error instanceof UnreadableMessage ? undefined : message.retryDelaysMs[attempt - 1];
}

/**
 * Puts failed messages where they wait for their next attempt, or among the dead letters.
 *
 * @throws JobsError `kafka-unavailable`, DatabaseError
 */
export async function putAside(
  { sender, database }: { sender: RecordSender; database: Database | undefined },
  message: Message,
  failures: readonly FailedMessage[],
): Promise<void> {
  const dead = failures.filter((failure) => delayOf(message, failure) === undefined).map(({ received }) => received);
  if (dead.some(isUnique)) await database?.write((tx) => endPending(tx, dead));
  const asides = failures.map((failure) => ({ failure, delayMs: delayOf(message, failure), record: asideOf(message, failure) }));
  await sender.send(asides.map(({ record }) => record));
  for (const { failure, delayMs, record } of asides) {
    handled.inc({ topic: message.topic, outcome: delayMs === undefined ? 'dead' : 'retried' });
    const messageId = failure.received.headers[header.messageId];
    logger.warn({ msg: `message put into ${record.topic}`, messageId, attempt: failure.attempt, err: failure.error });
  }
}

function asideOf(message: Message, failure: FailedMessage): OutgoingRecord {
  const { received, attempt, error } = failure;
  const delayMs = delayOf(message, failure);
  const cause = error instanceof Error ? error : new Error(String(error));
  const headers = {
    ...received.headers,
    [header.originalTopic]: message.topic,
    [header.cause]: `${cause.name}: ${cause.message}`.slice(0, causeLimit),
  };
  const record = { key: received.key, value: received.value ?? null };
  if (delayMs === undefined) {
    const dead = { [header.attempt]: String(attempt), [header.stack]: stackOf(cause), [header.failedAt]: String(Date.now()) };
    return { ...record, topic: deadLetterTopicOf(message), headers: { ...headers, ...dead } };
  }
  const next = { [header.attempt]: String(attempt + 1), [header.notBefore]: String(Date.now() + delayMs) };
  return { ...record, topic: retryTopicOf(message, attempt), headers: { ...headers, ...next } };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : '';
  return `${error.stack}${cause}`.slice(0, stackLimit);
}
