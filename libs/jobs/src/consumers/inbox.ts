import type { Rows } from '@tenfold/database';
import type { EntityManager } from 'typeorm';
import { header } from '../message.headers.ts';
import type { ReceivedMessage } from './message.reader.ts';

/**
 * SQL that begins a transaction and marks messages as handled, in one round trip: for the `start` of `database.write`.
 * Another transaction that has marked one of them and has not ended yet is waited for; so of two processes with one
 * message, a second delivery or a member that was taken for dead, one has the effect.
 *
 * @param messageIds UUIDs, which is what lets them stand in the statement
 * @param idleMs after so long without a statement the server ends the transaction: whoever is stopped in the middle of
 *   a job holds its successor up no longer
 */
export function beginMarking(messageIds: readonly string[], idleMs: number): string {
  // In the order of ids, so that two batches with the same messages never wait for each other crosswise.
  const marks = messageIds.length === 1 ? `VALUES ('${messageIds[0]}')` : `SELECT DISTINCT unnest('{${messageIds.join(',')}}'::uuid[]) AS message_id ORDER BY 1`;
  return `START TRANSACTION; SET LOCAL idle_in_transaction_session_timeout = ${idleMs};
    INSERT INTO inbox (message_id) ${marks} ON CONFLICT DO NOTHING RETURNING message_id`;
}

/** @returns the ids that were not marked before */
export function markedBy(started: readonly Rows[]): Set<string> {
  return new Set((started.at(-1) ?? []).map(({ message_id }) => String(message_id)));
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
