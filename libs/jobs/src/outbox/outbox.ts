import { randomUUID } from 'node:crypto';
import type { Message, PayloadOf } from '@tenfold/contracts';
import { afterCommit } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import { inSpan, startSpan } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
import { JobsError } from '../jobs.error.ts';
import { contextHeaders, header } from '../message.headers.ts';
import { describeMessage } from '../message.span.ts';

const wakers = new WeakMap<Database, () => void>();

/**
 * Puts a message into the outbox of the transaction's database: it is sent if, and only if, the transaction commits.
 * One INSERT; Kafka is not asked.
 *
 * @param tx that of `database.write`
 * @returns the message's id
 * @throws JobsError `invalid-payload`
 */
export async function addMessage<M extends Message>(tx: EntityManager, message: M, payload: PayloadOf<M>): Promise<string> {
  const checked = message.payload.safeParse(payload);
  if (!checked.success) {
    throw new JobsError('invalid-payload', `not a payload of ${message.topic}`, { cause: checked.error });
  }
  const messageId = randomUUID();
  const span = startSpan(`create ${message.topic}`, 'producer');
  if (span) describeMessage(span, message.topic, messageId);
  await inSpan(span, () =>
    tx.query('INSERT INTO outbox (message_id, topic, key, payload, headers) VALUES ($1, $2, $3, $4, $5)', [
      messageId,
      message.topic,
      message.key(checked.data),
      JSON.stringify(payload),
      JSON.stringify({ ...contextHeaders(), ...(message.version > 1 && { [header.version]: String(message.version) }) }),
    ]),
  );
  afterCommit(tx, wakeRelay);
  return messageId;
}

/** Lets a relay of this process know at once of messages that this process adds. */
export function registerRelay(database: Database, wake: () => void): void {
  wakers.set(database, wake);
}

function wakeRelay(database: Database): void {
  wakers.get(database)?.();
}
