import { Logger } from '@nestjs/common';
import { Kafka, Partitioners, logLevel } from 'kafkajs';
import type { Producer, RetryOptions, TopicMessages } from 'kafkajs';
import { JobsError } from './jobs.error.ts';
import { produced, produceDuration } from './jobs.metrics.ts';
import { quietRequestQueue } from './kafka.timers.ts';

quietRequestQueue();

const logger = new Logger('Kafka');

// While a broker is away kafkajs says so at every attempt.
const logIntervalMs = 5000;

export interface KafkaClientOptions {
  /** `host:port` of some brokers; the others are learned from them. */
  brokers: readonly string[];
  /** Name in the broker's logs, e.g. the replica's. */
  instance: string;
  retry: RetryOptions;
  /** Once true, what is being retried fails at its next attempt to connect. */
  isClosed: () => boolean;
}

export function createKafka({ brokers, instance, retry, isClosed }: KafkaClientOptions): Kafka {
  let loggedAt = -Infinity;
  return new Kafka({
    clientId: instance,
    // kafkajs retries everything but a list without brokers, and its retries cannot be cancelled otherwise.
    brokers: () => (isClosed() ? [] : [...brokers]),
    connectionTimeout: 1000,
    requestTimeout: 10_000,
    retry,
    logLevel: logLevel.WARN,
    logCreator: () => ({ namespace, log: { message, error } }) => {
      // The limit is wanted, see producerRetry.
      if (isClosed() || message.startsWith('Limiting retries') || Date.now() - loggedAt < logIntervalMs) return;
      loggedAt = Date.now();
      logger.warn(`${namespace}: ${message}${typeof error === 'string' ? `: ${error}` : ''}`);
    },
  });
}

/**
 * A send that throws after the broker took it makes kafkajs roll its sequence back, and the broker then acknowledges
 * the next batch of that size unwritten. The client's retries (the producer's own do not count) carry it over an outage
 * of a minute with the sequence intact; after any throw the producer is thrown away.
 */
const producerRetry: RetryOptions = { retries: 60, initialRetryTime: 100, maxRetryTime: 1000 };

const closeTimeoutMs = 3000;

/** Sends one batch after another, each acknowledged by all replicas in sync, over one idempotent producer. */
export class KafkaSender {
  readonly #brokers: readonly string[];
  readonly #instance: string;
  #producer: Producer | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(brokers: readonly string[], instance: string) {
    this.#brokers = brokers;
    this.#instance = instance;
  }

  /** Waits for Kafka, up to a minute. @throws JobsError `kafka-unavailable` */
  async connect(): Promise<void> {
    await this.#inTurn(() => this.#connected());
  }

  /** Messages of one topic and key stay in order. @throws JobsError `kafka-unavailable`, after up to a minute */
  async send(topicMessages: TopicMessages[]): Promise<void> {
    await this.#inTurn(async () => {
      const producer = await this.#connected();
      const stop = produceDuration.startTimer();
      try {
        await producer.sendBatch({ acks: -1, topicMessages });
        stop({ outcome: 'ok' });
        for (const { topic, messages } of topicMessages) produced.inc({ topic }, messages.length);
      } catch (cause) {
        stop({ outcome: 'failed' });
        this.#producer = undefined;
        void producer.disconnect().catch(() => {});
        throw new JobsError('kafka-unavailable', 'Kafka did not take the messages', { cause });
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise((resolve) => {
      timer = setTimeout(resolve, closeTimeoutMs);
    });
    await Promise.race([this.#last.then(() => this.#producer?.disconnect()), expired]).catch(() => {});
    clearTimeout(timer);
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(run);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #connected(): Promise<Producer> {
    if (this.#closed) throw new JobsError('kafka-unavailable', 'the sender is closed');
    if (this.#producer) return this.#producer;
    const kafka = createKafka({
      brokers: this.#brokers,
      instance: this.#instance,
      retry: producerRetry,
      isClosed: () => this.#closed,
    });
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    try {
      await producer.connect();
    } catch (cause) {
      void producer.disconnect().catch(() => {});
      throw new JobsError('kafka-unavailable', 'Kafka cannot be reached', { cause });
    }
    this.#producer = producer;
    return producer;
  }
}
