import { Logger } from '@nestjs/common';
import type { Message } from '@tenfold/contracts';
import type { Database } from '@tenfold/database';
import { inSpan, runInContext } from '@tenfold/telemetry';
import { handleDuration, handled } from '../jobs.metrics.ts';
import type { RecordSender } from '../kafka/kafka.client.ts';
import { startHandlerSpan } from '../message.span.ts';
import { unlessAborted } from './deadline.ts';
import type { Delivery } from './delivery.ts';
import { delayOf, isOutage, putAside } from './failure.ts';
import { endPending, markHandled } from './inbox.ts';
import { attemptOf, contextOf, readMessage } from './message.reader.ts';
import type { ReceivedMessage } from './message.reader.ts';

export interface HandlerMethod {
  message: Message;
  inbox: boolean;
  run: (payload: unknown, delivery: Delivery) => Promise<void>;
}

interface HandlerOptions extends HandlerMethod {
  /** Needed for `inbox`. */
  database: Database | undefined;
  sender: RecordSender;
}

/** Whether the message is finished with, or when it must be handled again, because nothing could be done about it now. */
export type Outcome = { finished: true } | { finished: false; againInMs: number; nextAttempt?: number };

/** While the service's own database, or Kafka, is away. */
export const outagePauseMs = 1000;

const logger = new Logger('Jobs');

/** Runs one service's handler of one message, and decides what becomes of a failure. */
export class MessageHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  get message(): Message {
    return this.#options.message;
  }

  /**
   * Never rejects.
   *
   * @param signal aborts when the message is no longer this process's to handle
   * @param attempt in place of what the message says
   */
  async handle(received: ReceivedMessage, signal: AbortSignal, attempt = attemptOf(received)): Promise<Outcome> {
    const { message } = this.#options;
    const stop = handleDuration.startTimer({ topic: message.topic });
    try {
      handled.inc({ topic: message.topic, outcome: await this.#attempt(received, attempt, signal) });
      return { finished: true };
    } catch (error) {
      if (signal.aborted || isOutage(error)) return { finished: false, againInMs: outagePauseMs };
      const delayMs = delayOf(message, { attempt, error });
      if (message.ordered && delayMs !== undefined) {
        handled.inc({ topic: message.topic, outcome: 'retried' });
        logger.warn({ msg: `${message.topic} waits for its next attempt, and its key with it`, attempt, err: error });
        return { finished: false, againInMs: delayMs, nextAttempt: attempt + 1 };
      }
      try {
        await putAside(this.#options, message, [{ received, attempt, error }]);
        return { finished: true };
      } catch {
        return { finished: false, againInMs: outagePauseMs };
      }
    } finally {
      stop();
    }
  }

  async #attempt(received: ReceivedMessage, attempt: number, owned: AbortSignal): Promise<'done' | 'duplicate'> {
    const { message, inbox, database, run } = this.#options;
    const { messageId, payload } = readMessage(message, received);
    const signal = AbortSignal.any([AbortSignal.timeout(message.timeoutMs), owned]);
    const context = contextOf([received], message.timeoutMs, signal);
    const handle = async (): Promise<'done' | 'duplicate'> => {
      if (!inbox || !database) {
        await unlessAborted(run(payload, { signal, messageId, attempt } as Delivery), signal, message);
        return 'done';
      }
      return database.write(async (tx) => {
        const marked = await markHandled(tx, [messageId], message.timeoutMs);
        if (marked.size === 0) return 'duplicate';
        await unlessAborted(run(payload, { tx, signal, messageId, attempt }), signal, message);
        await endPending(tx, [received]);
        return 'done';
      });
    };
    const span = startHandlerSpan(message.topic, context, [received]);
    return span ? inSpan(span, handle) : runInContext(context, handle);
  }
}
