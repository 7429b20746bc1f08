import { randomUUID } from 'node:crypto';
import type { Message } from '@tenfold/contracts';
import { JobsError } from '../jobs.error.ts';
import { KafkaSender } from '../kafka/kafkajs.sender.ts';
import { header } from '../message.headers.ts';

/**
 * Sends a message that no transaction caused: for operators. Services add theirs to the outbox.
 *
 * @returns its id
 * @throws JobsError `invalid-payload`, `kafka-unavailable`
 */
export async function addByHand(brokers: readonly string[], message: Message, payload: unknown): Promise<string> {
  const checked = message.payload.safeParse(payload);
  if (!checked.success) throw new JobsError('invalid-payload', `not a payload of ${message.topic}: ${checked.error.message}`);
  const id = randomUUID();
  const headers = { [header.messageId]: id, ...(message.version > 1 && { [header.version]: String(message.version) }) };
  const sender = new KafkaSender(brokers, 'by-hand', { retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 } });
  try {
    await sender.send([{ topic: message.topic, key: message.key(checked.data), value: JSON.stringify(checked.data), headers }]);
  } finally {
    await sender.close();
  }
  return id;
}
