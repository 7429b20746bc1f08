import { deadLetterTopicOf, retryTopicOf } from '@tenfold/contracts';
import { Logger } from '@nestjs/common';
import type { Message } from '@tenfold/contracts';
import { DatabaseError } from '@tenfold/database';
import type { Database } from '@tenfold/database';
import { createContext, runInContext } from '@tenfold/telemetry';
import type { Delivery } from './delivery.ts';
import { JobsError } from './jobs.error.ts';
import { handleDuration, handled } from './jobs.metrics.ts';
import type { KafkaSender } from './kafka.client.ts';
import { header, traceIdOf } from './message.headers.ts';
import type { Headers } from './message.headers.ts';

/** A message as Kafka delivers it. */
export interface ReceivedMessage {
  key: string;
  /** As text; undefined when the record has none. */
  value: string | undefined;
  headers: Headers;
}

export interface HandlerMethod {
  message: Message;
  inbox: boolean;
  run: (payload: unknown, delivery: Delivery) => Promise<void>;
}

interface HandlerOptions extends HandlerMethod {
  /** Needed for `inbox`. */
  database: Database | undefined;
  sender: KafkaSender;
  /** Aborts when a shutdown can wait no longer. */
  shutdown: AbortSignal;
}

/** Whether the message is finished with, or must be delivered again because nothing could be done about it now. */
export type Outcome = 'finished' | 'again';

const stackLimit = 4000;

/** Runs one service's handler of one message, and decides what becomes of a failure. */
export class MessageHandler {
  readonly #options: HandlerOptions;
  readonly #logger = new Logger(MessageHandler.name);

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  get message(): Message {
    return this.#options.message;
  }

  /** @throws JobsError `kafka-unavailable` when a failed message can be put nowhere; it must be delivered again */
  async handle(received: ReceivedMessage): Promise<Outcome> {
    const { message } = this.#options;
    const attempt = Number(received.headers[header.attempt] ?? 1);
    const stop = handleDuration.startTimer({ topic: message.topic });
    try {
      const outcome = await this.#attempt(received, attempt);
      handled.inc({ topic: message.topic, outcome });
      return 'finished';
    } catch (error) {
      if (this.#options.shutdown.aborted || isOutage(error)) return 'again';
      await this.#fail(received, attempt, error);
      return 'finished';
    } finally {
      stop();
    }
  }

  async #attempt({ value, headers }: ReceivedMessage, attempt: number): Promise<'done' | 'duplicate'> {
    const { message, inbox, database, run, shutdown } = this.#options;
    const { messageId, payload } = parse(message, value, headers);
    const timeout = AbortSignal.timeout(message.timeoutMs);
    const signal = AbortSignal.any([timeout, shutdown]);
    const requestId = headers[header.requestId];
    const traceId = traceIdOf(headers);
    const context = createContext({
      ...(requestId && { requestId }),
      ...(traceId && { traceId }),
      deadline: Date.now() + message.timeoutMs,
      positions: positionsOf(headers),
      signal,
    });
    return runInContext(context, async () => {
      if (!inbox || !database) {
        await unlessAborted(run(payload, { signal, messageId, attempt } as Delivery), signal, message);
        return 'done';
      }
      return database.write(async (tx) => {
        const marked = await tx.query<unknown[]>(
          'INSERT INTO inbox (message_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1',
          [messageId],
        );
        if (marked.length === 0) return 'duplicate';
        await unlessAborted(run(payload, { tx, signal, messageId, attempt }), signal, message);
        return 'done';
      });
    });
  }

  async #fail({ key, value, headers }: ReceivedMessage, attempt: number, error: unknown): Promise<void> {
    const { message, sender } = this.#options;
    const delay = error instanceof UnreadableMessage ? undefined : message.retryDelaysMs[attempt - 1];
    const cause = error instanceof Error ? error : new Error(String(error));
    const failed = {
      ...headers,
      [header.originalTopic]: message.topic,
      [header.attempt]: String(delay === undefined ? attempt : attempt + 1),
      [header.cause]: `${cause.name}: ${cause.message}`,
    };
    const next =
      delay === undefined
        ? { topic: deadLetterTopicOf(message), headers: { ...failed, [header.stack]: stackOf(cause) } }
        : { topic: retryTopicOf(message, attempt), headers: { ...failed, [header.notBefore]: String(Date.now() + delay) } };
    await sender.send([{ topic: next.topic, messages: [{ key, value: value ?? null, headers: next.headers }] }]);
    handled.inc({ topic: message.topic, outcome: delay === undefined ? 'dead' : 'retried' });
    this.#logger.warn({ msg: `message put into ${next.topic}`, messageId: headers[header.messageId], attempt, err: cause });
  }
}

/** No further attempt could read it. */
class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
}

function parse(message: Message, value: string | undefined, headers: Headers): { messageId: string; payload: unknown } {
  const messageId = headers[header.messageId];
  if (!messageId) throw new UnreadableMessage(`no ${header.messageId} header`);
  try {
    return { messageId, payload: message.payload.parse(JSON.parse(value ?? '')) };
  } catch (cause) {
    throw new UnreadableMessage('the payload does not fit the schema', { cause });
  }
}

/** An outage of the service's own database is no fault of the message: it uses up no attempt. */
function isOutage(error: unknown): boolean {
  return error instanceof DatabaseError && error.code !== 'bad-cursor';
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal, { topic, timeoutMs }: Message): Promise<void> {
  const ended = Promise.withResolvers<never>();
  const abort = () => ended.reject(new JobsError('timed-out', `${topic} took longer than ${timeoutMs} ms`));
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([work, ended.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function positionsOf(headers: Headers): Map<string, string> {
  const [database, lsn] = headers[header.position]?.split('=') ?? [];
  return new Map(database && lsn ? [[database, lsn]] : []);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : '';
  return `${error.stack}${cause}`.slice(0, stackLimit);
}
