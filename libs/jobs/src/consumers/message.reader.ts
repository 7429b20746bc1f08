import type { Message } from '@tenfold/contracts';
import { createContext, raisePosition } from '@tenfold/telemetry';
import type { RequestContext } from '@tenfold/telemetry';
import type { Headers } from '../kafka/kafka.client.ts';
import { header, originOf } from '../message.headers.ts';

/** A message as Kafka delivers it. */
export interface ReceivedMessage {
  key: string;
  /** As text; undefined when the record has none. */
  value: string | undefined;
  headers: Headers;
}

export interface ReadMessage {
  messageId: string;
  payload: unknown;
}

/** No further attempt could read it. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Reads a message as of the version that this process knows. @throws UnreadableMessage */
export function readMessage(message: Message, { value, headers }: ReceivedMessage): ReadMessage {
  const messageId = headers[header.messageId];
  if (!messageId || !uuid.test(messageId)) throw new UnreadableMessage(`no ${header.messageId} header with a UUID`);
  const version = Number(headers[header.version] ?? 1);
  if (!Number.isInteger(version) || version < 1 || version > message.version) {
    throw new UnreadableMessage(`version ${headers[header.version]} of ${message.topic} is unknown here, where ${message.version} is the newest`);
  }
  try {
    let payload: unknown = JSON.parse(value ?? '');
    for (const upgrade of message.upgrades.slice(version - 1)) payload = upgrade(payload);
    return { messageId, payload: message.payload.parse(payload) };
  } catch (cause) {
    throw new UnreadableMessage('the payload does not fit the schema', { cause });
  }
}

/** What attempt this is, from 1. */
export function attemptOf({ headers }: ReceivedMessage): number {
  return Number(headers[header.attempt] ?? 1);
}

/** A context in which reads see what the messages tell of; of a single one, the request and trace that caused it. */
export function contextOf(received: readonly ReceivedMessage[], timeoutMs: number, signal: AbortSignal): RequestContext {
  const positions = new Map<string, string>();
  for (const { headers } of received) {
    const [database, lsn] = headers[header.position]?.split('=') ?? [];
    if (database && lsn) raisePosition(positions, database, lsn);
  }
  const only = received.length === 1 ? received[0]?.headers : undefined;
  return createContext({ ...(only && originOf(only)), deadline: Date.now() + timeoutMs, positions, signal });
}
