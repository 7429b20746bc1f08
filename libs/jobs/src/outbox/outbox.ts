import { randomUUID } from 'node:crypto';
import type { Message, PayloadOf } from '@tenfold/contracts';
import { afterCommit } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import { inSpan, startSpan } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
import { JobsError } from '../jobs.error.ts';
import { contextHeaders, header } from '../message.headers.ts';
import { describeMessage, describeMessages } from '../message.span.ts';
import { trackJob } from '../states/job.states.ts';

const wakers = new WeakMap<object, () => void>();

export interface AddOptions {
  /** Milliseconds until it is sent, to about a second. Default 0: at once, and in order with others of its key. */
  delayMs?: number;
  /**
   * Not added while a message of the topic with the same text here is pending, i.e. has been neither handled nor become
   * a dead letter. For what a service hands to itself: the database that adds must be the one with the handler's inbox.
   */
  unique?: string;
  /**
   * Makes the job's state known to `JobStates` from now on. For what a service hands to itself, to a `tracked` handler:
   * the database that adds must be the one of the handler. Default false.
   */
  tracked?: boolean;
  /** The message's id, a UUID, where what the message is about has one already. Default: a fresh one. */
  id?: string;
}

/**
 * Puts a message into the outbox of the transaction's database: it is sent if, and only if, the transaction commits.
 * One INSERT; Kafka is not asked.
 *
 * @param tx that of `database.write`
 * @returns the message's id; with `unique`, that of the pending one if there is one
 * @throws JobsError `invalid-payload`
 */
export async function addMessage<M extends Message>(
  tx: EntityManager,
  message: M,
  payload: PayloadOf<M>,
  { delayMs = 0, unique, tracked = false, id: messageId = randomUUID() }: AddOptions = {},
): Promise<string> {
  const key = keyOf(message, payload);
  if (unique !== undefined) {
    const pending = await claim(tx, message.topic, unique, messageId);
    if (pending !== messageId) return pending;
  }
  if (tracked) await trackJob(tx, messageId, message.topic);
  const span = startSpan(`create ${message.topic}`, 'producer');
  if (span) describeMessage(span, message.topic, messageId);
  await inSpan(span, () => {
    // Within the span, whose place in the trace goes into the headers.
    const row: Row = [messageId, message.topic, key, JSON.stringify(payload), headersOf(message, unique)];
    return delayMs > 0 ? tx.query(delaySql, [...row, delayMs]) : tx.query(addSql, row);
  });
  afterCommit(tx, wakeRelay);
  return messageId;
}

/**
 * The same for many messages by one INSERT, in their order.
 *
 * @returns their ids
 * @throws JobsError `invalid-payload`; none is added then
 */
export async function addMessages<M extends Message>(tx: EntityManager, message: M, payloads: readonly PayloadOf<M>[]): Promise<string[]> {
  const keys = payloads.map((payload) => keyOf(message, payload));
  const ids = payloads.map(() => randomUUID());
  const texts = payloads.map((payload) => JSON.stringify(payload));
  const span = startSpan(`create ${message.topic}`, 'producer');
  if (span) describeMessages(span, message.topic, ids.length);
  await inSpan(span, () => tx.query(addManySql, [message.topic, ids, keys, texts, headersOf(message)]));
  afterCommit(tx, wakeRelay);
  return ids;
}

/** Lets a relay of this process know at once of messages that this process adds. */
export function registerRelay(database: Database, wake: () => void): void {
  wakers.set(database, wake);
}

function wakeRelay(database: object): void {
  wakers.get(database)?.();
}

const addSql = 'INSERT INTO outbox (message_id, topic, key, payload, headers) VALUES ($1, $2, $3, $4, $5)';

const addManySql = `
  INSERT INTO outbox (message_id, topic, key, payload, headers)
  SELECT id, $1, key, payload, $5 FROM unnest($2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY AS given (id, key, payload, place) ORDER BY place`;

const delaySql = `
  INSERT INTO outbox_delayed (message_id, topic, key, payload, headers, due_at)
  VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::float8 / 1000))`;

type Row = [messageId: string, topic: string, key: string, payload: string, headers: string];

/** @throws JobsError `invalid-payload` */
function keyOf<M extends Message>(message: M, payload: PayloadOf<M>): string {
  const checked = message.payload.safeParse(payload);
  if (checked.success) return message.key(checked.data);
  throw new JobsError('invalid-payload', `not a payload of ${message.topic}`, { cause: checked.error });
}

function headersOf({ version }: Message, unique?: string): string {
  return JSON.stringify({
    ...contextHeaders(),
    ...(version > 1 && { [header.version]: String(version) }),
    ...(unique !== undefined && { [header.unique]: unique }),
  });
}

/** @returns the id of the message that is pending from now on, or was before */
async function claim(tx: EntityManager, topic: string, unique: string, messageId: string): Promise<string> {
  for (;;) {
    const claimed = await tx.query<unknown[]>(
      'INSERT INTO outbox_pending (topic, unique_key, message_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1',
      [topic, unique, messageId],
    );
    if (claimed.length > 0) return messageId;
    const [pending] = await tx.query<{ id: string }[]>('SELECT message_id AS id FROM outbox_pending WHERE topic = $1 AND unique_key = $2', [topic, unique]);
    // Without one it has been handled just now.
    if (pending) return pending.id;
  }
}
