import { retryTopicOf } from '@tenfold/contracts';
import type { Database } from '@tenfold/database';
import { ConsumerLag } from './consumer.lag.ts';
import type { ConsumerGroup } from './consumer.lag.ts';
import { JobsError } from './jobs.error.ts';
import { KafkaSender } from './kafka.client.ts';
import { KafkaConsumer } from './kafka.consumer.ts';
import type { ConsumedMessage } from './kafka.consumer.ts';
import { MessageHandler } from './message.handler.ts';
import type { HandlerMethod } from './message.handler.ts';
import { header } from './message.headers.ts';

export interface ServiceConsumersOptions {
  /** Prefix of the consumer groups, the service's name. */
  group: string;
  brokers: readonly string[];
  instance: string;
  handlers: readonly HandlerMethod[];
  /** Holds the inbox. */
  database: Database | undefined;
  /** Milliseconds that a stop waits for the handlers under way before it aborts their signals. */
  patienceMs: number;
}

// While the service's own database is away.
const outagePauseMs = 1000;

/**
 * All consumers of a service: one for each topic, in a group of its own, and one for all retry topics. kafkajs fetches
 * again only when all that it fetched before is handled, so on a consumer in common one long job would hold up every
 * other topic.
 */
export class ServiceConsumers {
  readonly #consumers: readonly KafkaConsumer[];
  readonly #sender: KafkaSender;
  readonly #lag: ConsumerLag;
  readonly #shutdown = new AbortController();
  readonly #patienceMs: number;
  /** When each partition's next message is due, by this process's clock. */
  readonly #due = new Map<string, { offset: string; at: number }>();

  /** @throws JobsError `doubled-handler` */
  constructor({ group, brokers, instance, handlers, database, patienceMs }: ServiceConsumersOptions) {
    this.#patienceMs = patienceMs;
    this.#sender = new KafkaSender(brokers, instance);
    const byTopic = new Map<string, MessageHandler>();
    for (const method of handlers) {
      const { topic } = method.message;
      if (byTopic.has(topic)) throw new JobsError('doubled-handler', `${topic} has more than one @Handles method`);
      byTopic.set(
        topic,
        new MessageHandler({ ...method, database, sender: this.#sender, shutdown: this.#shutdown.signal }),
      );
    }
    const retries = new Map<string, { handler: MessageHandler; delayMs: number }>();
    for (const handler of byTopic.values()) {
      for (const [index, delayMs] of handler.message.retryDelaysMs.entries()) {
        retries.set(retryTopicOf(handler.message, index + 1), { handler, delayMs });
      }
    }
    const groups: ConsumerGroup[] = [...byTopic.keys()].map((topic) => ({ groupId: `${group}.${topic}`, topics: [topic] }));
    if (retries.size > 0) groups.push({ groupId: `${group}.retry`, topics: [...retries.keys()] });
    this.#lag = new ConsumerLag({ brokers, instance, groups });
    const consumers = [...byTopic].map(
      ([topic, handler]) =>
        new KafkaConsumer({
          brokers,
          instance,
          groupId: `${group}.${topic}`,
          topics: [topic],
          consume: (message) => handle(handler, message),
        }),
    );
    if (retries.size > 0) {
      consumers.push(
        new KafkaConsumer({
          brokers,
          instance,
          groupId: `${group}.retry`,
          topics: [...retries.keys()],
          concurrency: 8,
          consume: async (message) => {
            const retry = retries.get(message.topic);
            if (!retry) return 0;
            return this.#untilDue(message, retry.delayMs) || (await handle(retry.handler, message));
          },
        }),
      );
    }
    this.#consumers = consumers;
  }

  /** @throws Error while a consumer is no member of its group */
  check(): void {
    for (const consumer of this.#consumers) consumer.check();
  }

  /** Returns at once; Kafka need not be there. */
  start(): void {
    for (const consumer of this.#consumers) consumer.start();
    this.#lag.start();
  }

  async stop(): Promise<void> {
    const cutShort = setTimeout(() => this.#shutdown.abort(), this.#patienceMs);
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    clearTimeout(cutShort);
    await Promise.all([this.#lag.stop(), this.#sender.close()]);
  }

  /** Milliseconds until the attempt; at most its delay, for the clock of whoever set the time may be ahead. */
  #untilDue({ topic, partition, offset, headers }: ConsumedMessage, delayMs: number): number {
    const place = `${topic}/${partition}`;
    let due = this.#due.get(place);
    if (due?.offset !== offset) {
      const wait = Number(headers[header.notBefore] ?? 0) - Date.now();
      due = { offset, at: Date.now() + Math.min(wait, delayMs) };
      this.#due.set(place, due);
    }
    return Math.max(0, due.at - Date.now());
  }
}

async function handle(handler: MessageHandler, message: ConsumedMessage): Promise<number> {
  return (await handler.handle(message)) === 'finished' ? 0 : outagePauseMs;
}
