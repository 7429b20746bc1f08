import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { Consumer, IHeaders, KafkaMessage } from 'kafkajs';
import type { GroupMember, Headers, IncomingRecord, Place, RecordReceiver } from './kafka.client.ts';
import { createKafka } from './kafkajs.client.ts';

export interface KafkaConsumerOptions {
  brokers: readonly string[];
  groupId: string;
  instance: string;
  topics: readonly string[];
  receiver: RecordReceiver;
}

const heartbeatIntervalMs = 1000;
const commitIntervalMs = 1000;
const restartPauseMs = 1000;

/**
 * Consumes topics as a member of a group. What was fetched is handed on at once and the next fetch begins: kafkajs
 * would otherwise wait until all of it is handled, and one slow message would hold up every partition of the broker.
 * So the fetches also carry the heartbeat, however long a job takes. Offsets are committed each second and at the end:
 * a message may come twice.
 *
 * The times keep rebalances short: a dead member is noticed after 6 s (less needs `group.min.session.timeout.ms` at the
 * broker).
 */
export class KafkaConsumer implements GroupMember {
  readonly #options: KafkaConsumerOptions;
  readonly #logger = new Logger(KafkaConsumer.name);
  readonly #stopping = new AbortController();
  #consumer: Consumer | undefined;
  #running: Promise<void> | undefined;
  #committer: NodeJS.Timeout | undefined;
  #joined = false;
  /** What was committed last, so that an idle member asks for nothing. */
  #committed = new Map<string, number>();

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
  }

  check(): void {
    if (!this.#joined) throw new Error(`${this.#options.groupId} does not consume`);
  }

  start(): void {
    this.#running = this.#run();
    this.#committer = setInterval(() => void this.#commit(), commitIntervalMs).unref();
  }

  pause(place: Place): void {
    this.#consumer?.pause([{ topic: place.topic, partitions: [place.partition] }]);
  }

  resume(place: Place): void {
    this.#consumer?.resume([{ topic: place.topic, partitions: [place.partition] }]);
  }

  async stop(): Promise<void> {
    clearInterval(this.#committer);
    await this.#commit();
    this.#stopping.abort();
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
      this.#leave();
      await this.#consumer?.disconnect().catch(() => {});
      await sleep(restartPauseMs, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => {});
    }
  }

  async #consumeUntilBroken(): Promise<void> {
    const { brokers, groupId, instance, topics, receiver } = this.#options;
    const { signal } = this.#stopping;
    const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 };
    const kafka = createKafka({ brokers, instance, retry, isClosed: () => signal.aborted });
    const consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: 6000,
      rebalanceTimeout: 6000,
      heartbeatInterval: heartbeatIntervalMs,
      // How long resume and disconnect wait for a fetch that finds nothing.
      maxWaitTimeInMs: 500,
      retry: { ...retry, restartOnFailure: async () => !signal.aborted },
    });
    this.#consumer = consumer;
    const ended = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => ended.resolve(), { once: true });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) => {
      this.#committed = new Map();
      this.#joined = true;
      receiver.assign(Object.entries(memberAssignment).flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition }))));
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      this.#leave();
      if (!payload.restart) ended.reject(payload.error);
    });
    await consumer.connect();
    // Without a committed offset the group is new: what was sent before it first came is meant for it, too.
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { topic, partition, messages, highWatermark } }) => {
        receiver.receive({ topic, partition }, messages.map((message) => received(topic, partition, message)), Number(highWatermark));
      },
    });
    await ended.promise;
  }

  #leave(): void {
    if (!this.#joined) return;
    this.#joined = false;
    this.#options.receiver.assign([]);
  }

  async #commit(): Promise<void> {
    if (!this.#joined || !this.#consumer) return;
    const committed = this.#committed;
    const changed = this.#options.receiver
      .offsets()
      .filter(({ topic, partition, offset }) => committed.get(`${topic}/${partition}`) !== offset);
    if (changed.length === 0) return;
    try {
      await this.#consumer.commitOffsets(changed.map((place) => ({ ...place, offset: String(place.offset) })));
      for (const { topic, partition, offset } of changed) committed.set(`${topic}/${partition}`, offset);
    } catch (error) {
      // A rebalance, or a coordinator that is away: the next commit does it, and doubles end at the inbox.
      this.#logger.debug({ msg: 'offsets not committed', group: this.#options.groupId, err: error });
    }
  }
}

export function received(topic: string, partition: number, { key, value, headers, offset }: KafkaMessage): IncomingRecord {
  return {
    topic,
    partition,
    offset: Number(offset),
    key: key?.toString() ?? '',
    value: value?.toString(),
    headers: textHeaders(headers),
  };
}

function textHeaders(headers: IHeaders = {}): Headers {
  const text = Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]);
  return Object.fromEntries(text);
}
