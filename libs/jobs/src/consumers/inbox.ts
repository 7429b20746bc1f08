import type { EntityManager } from 'typeorm';
import { header } from '../message.headers.ts';
import type { ReceivedMessage } from './message.reader.ts';

/**
 * Marks messages as handled. Another transaction that has marked one of them and has not ended yet is waited for; so of
 * two processes with one message, a second delivery or a member that was taken for dead, one has the effect.
 *
 * @param idleMs after so long without a statement the server ends the transaction: whoever is stopped in the middle of
 *   a job holds its successor up no longer
 * @returns the ids that were not marked before
 */
export async function markHandled(tx: EntityManager, messageIds: readonly string[], idleMs: number): Promise<Set<string>> {
  // In the order of ids, so that two batches with the same messages never wait for each other crosswise.
  const marked = await tx.query<{ message_id: string }[]>(
    `INSERT INTO inbox (message_id)
     SELECT DISTINCT unnest($1::uuid[]) AS message_id FROM set_config('idle_in_transaction_session_timeout', $2, true) ORDER BY 1
     ON CONFLICT DO NOTHING RETURNING message_id`,
    [messageIds, String(idleMs)],
  );
  return new Set(marked.map(({ message_id }) => message_id));
}

/** Whether the message was added as the only pending one of its kind. */
export function isUnique({ headers }: ReceivedMessage): boolean {
  return headers[header.unique] !== undefined;
}

/** Lets messages be added again of which these were the pending ones. */
export async function endPending(tx: EntityManager, received: readonly ReceivedMessage[]): Promise<void> {
  const ids = received.filter(isUnique).flatMap(({ headers }) => headers[header.messageId] ?? []);
  if (ids.length > 0) await tx.query('DELETE FROM outbox_pending WHERE message_id = ANY ($1)', [ids]);
}

/** Takes marks of this transaction back. */
export async function unmark(tx: EntityManager, messageIds: readonly string[]): Promise<void> {
  await tx.query('DELETE FROM inbox WHERE message_id = ANY ($1)', [messageIds]);
}
