import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Consumer, EachBatchPayload, IHeaders, KafkaMessage } from 'kafkajs';
import { createKafka } from './kafka.client.ts';
import type { Headers } from './message.headers.ts';
import type { ReceivedMessage } from './message.handler.ts';

/** A message and where it was read. */
export interface ConsumedMessage extends ReceivedMessage {
  topic: string;
  partition: number;
  offset: string;
}

export interface KafkaConsumerOptions {
  brokers: readonly string[];
  groupId: string;
  instance: string;
  topics: readonly string[];
  /** Partitions handled at the same time. Default 4. */
  concurrency?: number;
  /** @returns 0 when done with the message, or after how many milliseconds it must be delivered again */
  consume: (message: ConsumedMessage) => Promise<number>;
}

const heartbeatIntervalMs = 1000;
const restartPauseMs = 1000;

/**
 * Consumes topics as a member of a group, one message of a partition at a time. Joins in the background, and again
 * after whatever breaks it. Offsets are committed about once a second and at the end: a message may come twice.
 *
 * The times keep rebalances short: a dead member is noticed after 6 s (less needs `group.min.session.timeout.ms` at the
 * broker), and one that is busy for longer than 6 s loses its partitions, which costs a second delivery.
 */
export class KafkaConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #logger = new Logger(KafkaConsumer.name);
  readonly #stopping = new AbortController();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #consumer: Consumer | undefined;
  #running: Promise<void> | undefined;
  #joined = false;

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
  }

  /** @throws Error while it is no member of its group */
  check(): void {
    if (!this.#joined) throw new Error(`${this.#options.groupId} does not consume`);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Lets the messages under way end, commits the offsets and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const timer of this.#pauses) clearTimeout(timer);
    await this.#consumer?.disconnect().catch(() => {});
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#consumeUntilBroken();
      } catch (error) {
        if (!this.#stopping.signal.aborted) {
          this.#logger.warn({ msg: 'consumer starts again', group: this.#options.groupId, err: error });
        }
      }
      this.#joined = false;
      await this.#consumer?.disconnect().catch(() => {});
      await sleep(restartPauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
    }
  }

  async #consumeUntilBroken(): Promise<void> {
    const { brokers, groupId, instance, topics, concurrency = 4 } = this.#options;
    const { signal } = this.#stopping;
    const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 };
    const kafka = createKafka({ brokers, instance, retry, isClosed: () => signal.aborted });
    const consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      heartbeatInterval: heartbeatIntervalMs,
      // How long seek, resume and disconnect wait for a fetch that finds nothing.
      maxWaitTimeInMs: 300,
      retry: { ...retry, restartOnFailure: async () => !signal.aborted },
    });
    this.#consumer = consumer;
    const ended = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => ended.resolve(), { once: true });
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.#joined = true;
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#joined = false;
      if (!payload.restart) ended.reject(payload.error);
    });
    await consumer.connect();
    // Without a committed offset the group is new: what was sent before it first came is meant for it, too.
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachBatchAutoResolve: false,
      autoCommitInterval: 1000,
      partitionsConsumedConcurrently: concurrency,
      eachBatch: (payload) => this.#consumeBatch(payload),
    });
    await ended.promise;
  }

  async #consumeBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale } = payload;
    const { topic, partition } = batch;
    // A long message must not cost the membership; that it is lost all the same shows in the heartbeat below.
    const beating = setInterval(() => void heartbeat().catch(() => {}), heartbeatIntervalMs);
    try {
      for (const message of batch.messages) {
        if (!isRunning() || isStale()) return;
        const again = await this.#options.consume(consumed(topic, partition, message));
        if (again > 0) {
          this.#pause(payload, again);
          return;
        }
        resolveOffset(message.offset);
        await heartbeat();
        await commitOffsetsIfNecessary();
      }
    } finally {
      clearInterval(beating);
    }
  }

  /** The fetches of the other partitions go on meanwhile, and with them the heartbeat. */
  #pause({ pause }: EachBatchPayload, milliseconds: number): void {
    const resume = pause();
    const timer = setTimeout(() => {
      this.#pauses.delete(timer);
      resume();
    }, milliseconds).unref();
    this.#pauses.add(timer);
  }
}

function consumed(topic: string, partition: number, { key, value, headers, offset }: KafkaMessage): ConsumedMessage {
  return {
    topic,
    partition,
    offset,
    key: key?.toString() ?? '',
    value: value?.toString(),
    headers: textHeaders(headers),
  };
}

function textHeaders(headers: IHeaders = {}): Headers {
  const text = Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]);
  return Object.fromEntries(text);
}
