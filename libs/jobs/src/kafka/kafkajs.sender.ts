import { Partitioners } from 'kafkajs';
import type { Producer, RetryOptions, TopicMessages } from 'kafkajs';
import { JobsError } from '../jobs.error.ts';
import { produced, produceDuration } from '../jobs.metrics.ts';
import type { OutgoingRecord, RecordSender } from './kafka.client.ts';
import { createKafka } from './kafkajs.client.ts';
import type { Connect } from './kafkajs.client.ts';

/**
 * A send that throws after the broker took it makes kafkajs roll its sequence back, and the broker then acknowledges
 * the next batch of that size unwritten. The client's retries (the producer's own do not count) carry it over an outage
 * of a minute with the sequence intact; after any throw the producer is thrown away.
 */
const senderRetry: RetryOptions = { retries: 60, initialRetryTime: 100, maxRetryTime: 1000 };

const closeTimeoutMs = 3000;

export interface KafkaSenderOptions {
  /** Default: over an outage of a minute. */
  retry?: RetryOptions;
  connect?: Connect;
}

/** Sends one batch after another, each acknowledged by all replicas in sync, over one idempotent producer. */
export class KafkaSender implements RecordSender {
  readonly #brokers: readonly string[];
  readonly #instance: string;
  readonly #options: KafkaSenderOptions;
  #producer: Producer | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(brokers: readonly string[], instance: string, options: KafkaSenderOptions = {}) {
    this.#brokers = brokers;
    this.#instance = instance;
    this.#options = options;
  }

  async connect(): Promise<void> {
    await this.#inTurn(() => this.#connected());
  }

  async send(records: readonly OutgoingRecord[]): Promise<void> {
    await this.#inTurn(async () => {
      const producer = await this.#connected();
      const stop = produceDuration.startTimer();
      try {
        await producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
        stop({ outcome: 'ok' });
        for (const { topic } of records) produced.inc({ topic });
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
      retry: this.#options.retry ?? senderRetry,
      isClosed: () => this.#closed,
      connect: this.#options.connect,
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

function byTopic(records: readonly OutgoingRecord[]): TopicMessages[] {
  return [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, ofTopic]) => ({
    topic,
    messages: ofTopic.map(({ key, value, headers }) => ({ key, value, headers })),
  }));
}
