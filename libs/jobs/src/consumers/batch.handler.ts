import type { Message } from '@tenfold/contracts';
import type { Database, Rows } from '@tenfold/database';
import { inSpan, runInContext } from '@tenfold/telemetry';
import type { EntityManager } from 'typeorm';
import { handleDuration, handled } from '../jobs.metrics.ts';
import type { RecordSender } from '../kafka/kafka.client.ts';
import { startHandlerSpan } from '../message.span.ts';
import type { BatchDelivery, BatchFailure } from './delivery.ts';
import { isOutage, putAside } from './failure.ts';
import type { FailedMessage } from './failure.ts';
import { HandlerTime } from './handler.time.ts';
import { beginMarking, endPending, markedBy, unmark } from './inbox.ts';
import { outagePauseMs } from './message.handler.ts';
import { attemptOf, contextOf, readMessage } from './message.reader.ts';
import type { ReadMessage, ReceivedMessage } from './message.reader.ts';

export interface BatchMethod {
  message: Message;
  run: (payloads: readonly unknown[], delivery: BatchDelivery) => Promise<void | readonly BatchFailure[]>;
}

interface BatchHandlerOptions extends BatchMethod {
  database: Database;
  sender: RecordSender;
  /** Aborts when a shutdown can wait no longer. */
  shutdown: AbortSignal;
}

interface Readable extends ReadMessage {
  received: ReceivedMessage;
}

/**
 * Handles many messages in one transaction, with one statement for all of their marks. When the transaction fails, each
 * message is handled in one of its own, so that one bad message costs the others nothing but time.
 */
export class BatchHandler {
  readonly #options: BatchHandlerOptions;

  constructor(options: BatchHandlerOptions) {
    this.#options = options;
  }

  get message(): Message {
    return this.#options.message;
  }

  /** Never rejects. @returns 0 when finished with all of them, else after how many milliseconds they must come again */
  async handle(batch: readonly ReceivedMessage[]): Promise<number> {
    const { message } = this.#options;
    const stop = handleDuration.startTimer({ topic: message.topic });
    const failed: FailedMessage[] = [];
    try {
      const readable = batch.flatMap((received) => {
        try {
          return [{ ...readMessage(message, received), received }];
        } catch (error) {
          failed.push({ received, attempt: attemptOf(received), error });
          return [];
        }
      });
      failed.push(...(await this.#together(readable)));
      if (failed.length > 0) await putAside(this.#options, message, failed);
      return 0;
    } catch {
      return outagePauseMs;
    } finally {
      stop();
    }
  }

  /** @throws an outage, of this service's database or a shutdown; nothing was done about the messages then */
  async #together(batch: readonly Readable[]): Promise<FailedMessage[]> {
    if (batch.length === 0) return [];
    try {
      return await this.#attempt(batch);
    } catch (error) {
      if (this.#options.shutdown.aborted || isOutage(error)) throw error;
      const [only] = batch;
      if (batch.length === 1 && only) return [{ received: only.received, attempt: attemptOf(only.received), error }];
    }
    const failed: FailedMessage[] = [];
    for (const single of batch) failed.push(...(await this.#together([single])));
    return failed;
  }

  async #attempt(batch: readonly Readable[]): Promise<FailedMessage[]> {
    const { message, database, run, shutdown } = this.#options;
    const time = new HandlerTime(message, shutdown);
    const { signal } = time;
    const context = contextOf(batch.map(({ received }) => received), message.timeoutMs, signal);
    const handleMarked = async (tx: EntityManager, started: readonly Rows[]) => {
      const marked = markedBy(started);
      // Of a message that is in the batch twice, the first one counts.
      const fresh = batch.filter(({ messageId }) => marked.delete(messageId));
      if (fresh.length === 0) return { failed: [], done: 0 };
      const delivery: BatchDelivery = {
        tx,
        signal,
        messages: fresh.map(({ messageId, received }) => ({ messageId, attempt: attemptOf(received) })),
      };
      const failures = (await time.limit(run(fresh.map(({ payload }) => payload), delivery))) ?? [];
      const failed = failures.flatMap(({ index, error }) => {
        const single = fresh[index];
        return single ? [{ ...single, attempt: attemptOf(single.received), error }] : [];
      });
      if (failed.length > 0) await unmark(tx, failed.map(({ messageId }) => messageId));
      const failedIds = new Set(failed.map(({ messageId }) => messageId));
      const done = fresh.filter(({ messageId }) => !failedIds.has(messageId));
      await endPending(tx, done.map(({ received }) => received));
      return { failed, done: done.length };
    };
    const handle = () =>
      database.write(handleMarked, { start: beginMarking(batch.map(({ messageId }) => messageId), message.timeoutMs), position: false });
    const span = startHandlerSpan(message.topic, context, batch.map(({ received }) => received));
    const { failed, done } = await (span ? inSpan(span, handle) : runInContext(context, handle)).finally(() => time.end());
    handled.inc({ topic: message.topic, outcome: 'done' }, done);
    const duplicates = batch.length - done - failed.length;
    if (duplicates > 0) handled.inc({ topic: message.topic, outcome: 'duplicate' }, duplicates);
    return failed;
  }
}
