import { Logger } from '@nestjs/common';
import type { Message } from '@tenfold/contracts';
import type { Database } from '@tenfold/database';
import { inSpan, runInContext } from '@tenfold/telemetry';
import { handleDuration, handled } from '../jobs.metrics.ts';
import type { RecordSender } from '../kafka/kafka.client.ts';
import { startHandlerSpan } from '../message.span.ts';
import { TrackedRun } from '../states/tracked.run.ts';
import type { Delivery, TrackedDelivery } from './delivery.ts';
import { delayOf, isOutage, putAside } from './failure.ts';
import { HandlerTime } from './handler.time.ts';
import { beginMarking, endPending, markedBy } from './inbox.ts';
import { attemptOf, contextOf, readMessage } from './message.reader.ts';
import type { ReadMessage, ReceivedMessage } from './message.reader.ts';

export interface HandlerMethod {
  message: Message;
  inbox: boolean;
  tracked?: boolean;
  run: (payload: unknown, delivery: Delivery) => Promise<unknown>;
}

interface HandlerOptions extends HandlerMethod {
  /** Needed for `inbox` and `tracked`. */
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

  async #attempt(received: ReceivedMessage, attempt: number, owned: AbortSignal): Promise<'done' | 'duplicate' | 'cancelled'> {
    const { message, inbox, tracked, database, run } = this.#options;
    const { messageId, payload } = readMessage(message, received);
    if (tracked && database) return this.#track(database, received, { messageId, payload }, attempt, owned);
    const time = new HandlerTime(message, owned);
    const { signal } = time;
    const context = contextOf([received], message.timeoutMs, signal);
    const handle = async (): Promise<'done' | 'duplicate'> => {
      if (!inbox || !database) {
        await time.limit(run(payload, { signal, messageId, attempt } as Delivery));
        return 'done';
      }
      return database.write(
        async (tx, started) => {
          if (markedBy(started).size === 0) return 'duplicate';
          await time.limit(run(payload, { tx, signal, messageId, attempt }));
          await endPending(tx, [received]);
          return 'done';
        },
        // Nothing is read in the handler's context any more once it has committed.
        { start: beginMarking([messageId], message.timeoutMs), position: false },
      );
    };
    const span = startHandlerSpan(message.topic, context, [received]);
    try {
      return await (span ? inSpan(span, handle) : runInContext(context, handle));
    } finally {
      time.end();
    }
  }

  /** Runs a job whose state is kept. In vain, as its run was superseded, it is finished with here. */
  async #track(
    database: Database,
    received: ReceivedMessage,
    { messageId, payload }: ReadMessage,
    attempt: number,
    owned: AbortSignal,
  ): Promise<'done' | 'duplicate' | 'cancelled'> {
    const { message, run } = this.#options;
    const tracked = await TrackedRun.begin({ database, topic: message.topic, messageId, number: attempt });
    if (!tracked) return 'duplicate';
    const time = new HandlerTime(message, owned, tracked.lost);
    const { signal } = time;
    const context = contextOf([received], message.timeoutMs, signal);
    const { checkpoint } = tracked;
    const delivery: TrackedDelivery = { signal, messageId, attempt, checkpoint, save: (progress) => tracked.save(progress) };
    const handle = () => time.limit(run(payload, delivery as unknown as Delivery));
    const span = startHandlerSpan(message.topic, context, [received]);
    try {
      await tracked.finish(await (span ? inSpan(span, handle) : runInContext(context, handle)));
      return 'done';
    } catch (error) {
      if (tracked.lost.aborted) return 'cancelled';
      // Handed back, it is still running: whoever gets it next goes on.
      if (!owned.aborted && !isOutage(error)) await tracked.fail(error, delayOf(message, { attempt, error }) === undefined);
      throw error;
    } finally {
      time.end();
      tracked.stop();
    }
  }
}
